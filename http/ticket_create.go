package httpedge

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// descriptionEntities is the field with the markup of a description.
const descriptionEntities = "/descriptionEntities"

// maxDescription is how many characters a description has at most.
const maxDescription = 4000

type createTicketInput struct {
	Prefer string `header:"Prefer" maxLength:"200" doc:"wait=N waits up to N seconds, at most 30, for Telegram to open the topic. The header Preference-Applied of the answer says how long it may have waited." example:"wait=5"`
	Body   struct {
		Title               string            `json:"title" minLength:"1" maxLength:"4000" doc:"One of more than 255 characters becomes the first line of the description, and its beginning the title, as with /create_ticket. Together they have 4,000 characters at most then." example:"Printer is on fire"`
		Description         string            `json:"description,omitempty" maxLength:"4000" example:"Third floor, next to the lift."`
		DescriptionFormat   string            `json:"descriptionFormat,omitempty" enum:"text,markdown" doc:"How the description is written."`
		DescriptionEntities []view.TextEntity `json:"descriptionEntities,omitempty" maxItems:"100" doc:"The markup of a description with format text."`
		Priority            string            `json:"priority,omitempty" enum:"low,normal,high,urgent" doc:"Absent: normal."`
		GroupID             int64             `json:"groupId,omitempty" maximum:"0" minimum:"-4503599627370495" doc:"Telegram id of the group in which the ticket opens. May be absent if the API key is bound to a group." example:"-1001234567890"`
		ExternalID          string            `json:"externalId,omitempty" maxLength:"255" doc:"Your own id for the ticket. No two tickets of an API key may have the same." example:"crm-4711"`
		Metadata            view.Metadata     `json:"metadata,omitempty"`
	}
}

type createdTicketOutput struct {
	Location string `header:"Location" doc:"The path of the ticket."`
	ETag     string `header:"ETag"`
	Applied  string `header:"Preference-Applied" doc:"The part of Prefer that was obeyed."`
	Body     view.Ticket
}

func (a *API) createTicket(ctx context.Context, c *call, in *createTicketInput) (*createdTicketOutput, error) {
	b := &in.Body
	if blank(b.Title) {
		return nil, invalid("/title", "it has no visible text")
	}
	metadata, err := compactMetadata(b.Metadata)
	if err != nil {
		return nil, err
	}
	description, err := markedOf(b.Description, b.DescriptionFormat, b.DescriptionEntities, descriptionEntities)
	if err != nil {
		return nil, err
	}
	title := b.Title
	if utf8.RuneCountInString(title) > messages.MaxTitle {
		title, description = messages.Titled(messages.Marked{Text: messages.CleanText(title)}, description)
		if utf8.RuneCountInString(description.Text) > maxDescription {
			return nil, invalid("/title", "it is so long that it opens the description, and together they are too long: 4000 characters at most")
		}
	}
	place, err := a.ticketGroup(ctx, c, b.GroupID)
	if err != nil {
		return nil, err
	}
	o := c.origin()
	id := messages.TicketID(o.CommandId, o.DateMs)
	if c.repeatable { // the same request makes the same ticket at any later date (docs/decisions.md, D39)
		id = messages.TicketIDOf(o.CommandId)
	}
	m := &messages.OpenTicket{Origin: o, TicketId: id, GroupId: place, Title: title, Description: description.Text,
		DescriptionEntities: description.Entities, Priority: b.Priority, ExternalId: b.ExternalID, Metadata: metadata}
	if _, err := ask[*messages.Reply](ctx, a, messages.KindTicket, id, m); err != nil {
		return nil, err
	}
	record, err := a.ticket(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &createdTicketOutput{Location: apiPrefix + "/tickets/" + id}
	if seconds := waitSeconds(in.Prefer); seconds > 0 {
		out.Applied = "wait=" + strconv.Itoa(seconds)
		if record, err = a.awaitTopic(ctx, record, time.Duration(seconds)*time.Second); err != nil {
			return nil, err
		}
	}
	out.ETag, out.Body = etag(record), view.TicketOf(record)
	return out, nil
}

// ticketGroup finds the group in which a ticket is to open, and refuses it if no ticket can open there.
func (a *API) ticketGroup(ctx context.Context, c *call, telegramID int64) (place string, err error) {
	m := &messages.GetGroupRecord{ChatId: telegramID}
	if telegramID == 0 {
		if c.key.GroupId == "" {
			return "", invalid("/groupId", "expected the Telegram id of a group, since this key is bound to none")
		}
		m.GroupId = c.key.GroupId
	}
	group, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", m)
	if err == nil && !c.sees(group.GroupId) {
		err = problem(codeNotFound)
	}
	if err != nil {
		return "", unknownGroup(err, "/groupId")
	}
	if group.Standing == messages.Standing_BOT_OUT {
		return "", problem(messages.NoticeGroupNeedsRights,
			"The bot is not in this group. Add it there as an administrator who may manage topics.")
	}
	if missing := group.Standing.Notice(); missing != "" {
		return "", problem(missing)
	}
	return group.GroupId, nil
}

const (
	waitAtMost = 30                    // seconds that a Prefer header may ask for
	waitLook   = 50 * time.Millisecond // between two looks at the ticket
)

// waitSeconds reads wait=N from a Prefer header (RFC 7240). It is 0 if there is none.
func waitSeconds(prefer string) int {
	for _, p := range strings.FieldsFunc(prefer, func(r rune) bool { return r == ',' || r == ';' }) {
		if n, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "wait="); ok {
			if seconds, err := strconv.Atoi(n); err == nil && seconds > 0 {
				return min(seconds, waitAtMost)
			}
		}
	}
	return 0
}

// awaitTopic reads the ticket again and again until its topic is open or can't be opened, the time is over, the
// client is gone, or the service stops.
func (a *API) awaitTopic(ctx context.Context, record *messages.TicketRecord, atMost time.Duration) (
	*messages.TicketRecord, error) {
	over := time.NewTimer(atMost)
	defer over.Stop()
	look := time.NewTicker(waitLook)
	defer look.Stop()
	for record.Topic.State == "pending" {
		select {
		case <-ctx.Done():
			return record, nil
		case <-a.ending:
			return record, nil
		case <-over.C:
			return record, nil
		case <-look.C:
		}
		next, err := a.ticket(ctx, record.TicketId)
		if err != nil {
			return nil, err
		}
		record = next
	}
	return record, nil
}
