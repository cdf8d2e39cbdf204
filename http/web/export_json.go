package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	apiview "github.com/topicdesk/topicdesk/view"
)

// jsonExport is one JSON object: the ticket, its messages, and what is left out. It has the API's names. Ids of messages and files name
// the chat that they come from: whoever belongs to none of the ticket's groups gets sequences instead. Where it breaks off it does not
// parse, so nobody takes a part for the whole.
type jsonExport struct {
	*exported
	some bool // there is a message in it
}

type exportedTicket struct {
	TicketID    string         `json:"ticketId"`
	Number      int64          `json:"number"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Status      string         `json:"status"`
	Priority    string         `json:"priority"`
	Group       string         `json:"group,omitempty"` // its title
	CreatedBy   string         `json:"createdBy,omitempty"`
	CreatedAt   string         `json:"createdAt"`
	ClosedAt    string         `json:"closedAt,omitempty"`
	Attachments []exportedFile `json:"attachments,omitempty"`
	ExportedAt  string         `json:"exportedAt"`
}

type exportedFile struct {
	AttachmentID string `json:"attachmentId,omitempty"`
	FileName     string `json:"fileName"`
	MimeType     string `json:"mimeType,omitempty"`
	FileSize     int64  `json:"fileSize,omitempty"`
	State        string `json:"state"`
}

type exportedText struct {
	MessageID     string             `json:"messageId,omitempty"`
	Sequence      int64              `json:"sequence"`
	Sender        string             `json:"sender"`
	Group         string             `json:"group,omitempty"`
	SentAt        string             `json:"sentAt"`
	EditedAt      string             `json:"editedAt,omitempty"`
	Internal      bool               `json:"internal,omitempty"`
	Deleted       bool               `json:"deleted,omitempty"`
	Protected     bool               `json:"protected,omitempty"` // and written where the reader is not: they may not read it
	ReplyTo       string             `json:"replyTo,omitempty"`
	ReplySequence int64              `json:"replyToSequence,omitempty"` // in place of replyTo
	ForwardedFrom string             `json:"forwardedFrom,omitempty"`
	Text          string             `json:"text,omitempty"`
	Entities      []exportedEntity   `json:"entities,omitempty"`
	Media         string             `json:"media,omitempty"`
	Attachments   []exportedFile     `json:"attachments,omitempty"`
	Former        []exportedVersion  `json:"formerVersions,omitempty"`
	Reactions     []exportedReaction `json:"reactions,omitempty"`
	Deliveries    []exportedDelivery `json:"deliveries,omitempty"`
}

// exportedEntity marks a part of a text, in UTF-16 units, as in the API.
type exportedEntity struct {
	Type   string `json:"type"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	URL    string `json:"url,omitempty"`
}

type exportedVersion struct {
	Text  string `json:"text"`
	Until string `json:"until"`
}

type exportedReaction struct {
	Emoji string `json:"emoji"`
	By    string `json:"by"`
}

type exportedDelivery struct {
	Group string `json:"group,omitempty"`
	State string `json:"state"`
}

func (j *jsonExport) begin(ctx context.Context) error {
	titles, err := j.s.titlesOf(ctx, j.page.may, nil)
	if err != nil {
		return err
	}
	t := j.page.TicketRecord
	head := exportedTicket{TicketID: t.TicketId, Number: t.Number, Title: t.Title, Description: t.Description, Status: t.Status,
		Priority: t.Priority, Group: titles[t.GroupId], CreatedBy: t.GetCreatedBy().GetName(), CreatedAt: exactly(t.CreatedMs),
		Attachments: j.filesOf(j.Files), ExportedAt: exactly(j.made.UnixMilli())}
	j.Left.Files += int64(len(j.Files))
	if t.ClosedMs != 0 {
		head.ClosedAt = exactly(t.ClosedMs)
	}
	return j.put(`{"ticket":`, head, `,"messages":[`)
}

// exactly is a time as the API writes it.
func exactly(ms int64) string { return apiview.Timestamp(time.UnixMilli(ms)) }

func (j *jsonExport) message(ctx context.Context, m said, former []version) error {
	one := exportedText{Sequence: m.Sequence, Sender: m.GetSender().GetName(), Group: m.Where,
		SentAt: exactly(m.Sent.UnixMilli()), Internal: m.Internal, Deleted: m.Deleted, Protected: m.Hidden}
	if j.page.may.inside {
		one.MessageID = m.MessageId
	}
	if m.EditedMs != 0 {
		one.EditedAt = exactly(m.EditedMs)
	}
	if !m.Deleted && !m.Hidden {
		one.Text, one.ForwardedFrom = m.GetContent().GetText(), m.GetContent().GetForward().GetName()
		one.Media, one.Attachments = m.GetContent().GetMedia().GetKind(), j.filesOf(m.Files)
		if err := j.answered(ctx, m, &one); err != nil {
			return err
		}
		for _, e := range m.GetContent().GetEntities() {
			one.Entities = append(one.Entities, exportedEntity{e.Type, int64(e.Offset), int64(e.Length), e.Url})
		}
		j.Left.Files += int64(len(m.Files))
		for _, v := range former {
			one.Former = append(one.Former, exportedVersion{v.Text, v.ISO()})
		}
	}
	for _, r := range m.Reactions {
		one.Reactions = append(one.Reactions, exportedReaction{r.Emoji, r.By})
	}
	for _, copied := range m.Copies {
		one.Deliveries = append(one.Deliveries, exportedDelivery{copied.Where, copied.State})
	}
	before := "\n"
	if j.some {
		before = ",\n"
	}
	j.some = true
	return j.put(before, one, "")
}

// answered says which message another one answers, if the reader may see that.
func (j *jsonExport) answered(ctx context.Context, m said, one *exportedText) error {
	if m.ReplyTo == "" || j.page.may.inside {
		one.ReplyTo = m.ReplyTo
		return nil
	}
	found, err := ask[*messages.WebTimeline](ctx, j.s, messages.KindQuery, "",
		&messages.ListWebTimeline{TicketId: j.page.TicketId, MessageId: m.ReplyTo, Limit: 1})
	if err != nil && !errors.Is(err, errNowhere) {
		return err
	}
	for _, is := range found.GetMessages() {
		if j.page.may.sees(is.Message) {
			one.ReplySequence = is.Message.Sequence
		}
	}
	return nil
}

func (j *jsonExport) end(broke bool) error {
	if broke {
		return nil
	}
	return j.put("\n],\"leftOut\":", j.Left, "}\n")
}

func (j *jsonExport) put(before string, value any, after string) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.w, before+string(text)+after)
	return err
}

func (j *jsonExport) filesOf(all []*messages.AttachmentRecord) (files []exportedFile) {
	for _, a := range all {
		file := exportedFile{FileName: a.FileName, MimeType: a.MimeType, FileSize: a.FileSize, State: a.State}
		if j.page.may.inside {
			file.AttachmentID = a.AttachmentId
		}
		files = append(files, file)
	}
	return files
}
