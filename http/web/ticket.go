package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	messagesOnPage = 50
	messagesLive   = 500   // that are shown anew at once
	fromTheFirst   = -1    // what comes after it is all of a ticket; 0 would be the newest
	answerAtMost   = 16384 // characters, as the API has it
	commandIDs     = 40    // characters of a form's id
)

// ticketPage is what a ticket's page shows.
type ticketPage struct {
	*messages.TicketRecord
	Group    string
	Manages  bool
	Messages []said
	Older    int64 // sequence before which there is more; 0: nothing
	First    int64 // sequence before the first that is shown live
	Live     bool  // only the part that changes
	FormID   string
	Age      age
}

// said is a message as the timeline shows it.
type said struct {
	*messages.MessageRecord
	Sent, Edited time.Time
	Where        string
	Files        []*messages.AttachmentRecord
	Reactions    []*messages.WebReaction
	Hidden       bool // protected, and written elsewhere
	Own          bool
}

// ISO is when it was sent, as <time> has it.
func (m said) ISO() string { return m.Sent.UTC().Format(time.RFC3339) }

// Clock is when it was sent, for browsers that run no scripts.
func (m said) Clock() string { return m.Sent.UTC().Format("2006-01-02 15:04 UTC") }

// Media names what it carries besides text.
func (m said) Media() string { return m.GetContent().GetMedia().GetKind() }

func (s *Site) ticket(c *fiber.Ctx, of *session) error {
	p, err := s.ticketPage(c, of, 0, 0)
	if err != nil {
		return err
	}
	return s.render(c, "ticket", &view{Title: p.Title, Session: of, Data: p})
}

// timeline is a part of a ticket's page: what is older than a message, or what changes.
func (s *Site) timeline(c *fiber.Ctx, of *session) error {
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64)
	after, _ := strconv.ParseInt(c.Query("after"), 10, 64)
	p, err := s.ticketPage(c, of, before, after)
	if err != nil {
		return err
	}
	if status := c.Query("status"); status != "" && status != p.Status {
		c.Set("HX-Refresh", "true") // what can be done is different now
	}
	p.Live = before == 0
	return s.render(c, "timeline", &view{Session: of, Data: p})
}

func (s *Site) ticketPage(c *fiber.Ctx, of *session, before, after int64) (*ticketPage, error) {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return nil, err
	}
	m := &messages.ListWebTimeline{TicketId: may.ticket.TicketId, Before: before, After: after, Limit: messagesOnPage + 1}
	if after != 0 {
		m.Limit = messagesLive
	}
	found, err := ask[*messages.WebTimeline](ctx, s, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	all := found.Messages
	p := &ticketPage{TicketRecord: may.ticket, Manages: may.manages && may.topic != nil, FormID: rand.Text(), First: after,
		Age: age{time.UnixMilli(may.ticket.CreatedMs), s.o.Now()}}
	if after == 0 && len(all) > messagesOnPage {
		all = all[len(all)-messagesOnPage:]
		p.Older = all[0].Message.Sequence
	}
	if after != 0 && len(all) == messagesLive {
		c.Set("HX-Refresh", "true") // the page has been open for long; the newest would not be shown
	}
	if after == 0 {
		if p.First = fromTheFirst; len(all) > 0 && all[0].Message.Sequence > 1 {
			p.First = all[0].Message.Sequence - 1
		}
	}
	titles, err := s.titles(ctx, all, may.ticket.GroupId)
	if err != nil {
		return nil, err
	}
	p.Group = titles[may.ticket.GroupId]
	for _, one := range all {
		r := one.Message
		if r.Internal && !may.sees(r) {
			continue
		}
		v := said{MessageRecord: r, Sent: time.UnixMilli(r.SentMs), Where: titles[r.GetTopic().GetGroupId()],
			Hidden: !may.sees(r), Reactions: one.Reactions,
			Own: r.GetSender().GetKind() == messages.Sender_USER && r.GetSender().GetId() == of.person.Id}
		if !may.inside {
			v.Where = ""
		}
		if !v.Hidden && !r.Deleted {
			v.Files = one.Files
		}
		p.Messages = append(p.Messages, v)
	}
	return p, nil
}

// titles names the groups in which messages were written.
func (s *Site) titles(ctx context.Context, all []*messages.WebMessage, more ...string) (map[string]string, error) {
	titles := map[string]string{}
	for _, m := range all {
		more = append(more, m.GetMessage().GetTopic().GetGroupId())
	}
	for _, id := range more {
		if _, known := titles[id]; known || !messages.IsGroup(id) {
			continue
		}
		g, err := ask[*messages.GroupRecord](ctx, s, messages.KindQuery, "", &messages.GetGroupRecord{GroupId: id})
		if errors.Is(err, errNowhere) {
			continue
		}
		if err != nil {
			return nil, err
		}
		titles[id] = g.GetFacts().GetTitle()
	}
	return titles, nil
}

// origin is that of what a person does here: their own command, with an id that a form sent twice repeats.
func (s *Site) origin(c *fiber.Ctx, of *session) *messages.Origin {
	now, p, form := s.o.Now().UnixMilli(), of.person, c.FormValue("form")
	if form == "" || len(form) > commandIDs {
		form = rand.Text()
	}
	id := strconv.FormatInt(p.Id, 10)
	return &messages.Origin{
		CommandId: "web:" + id + ":" + form, DateMs: now, ReceivedMs: now, From: p, Lang: catalogueLang(of.lang),
		Sender: &messages.Sender{Kind: messages.Sender_USER, Id: p.Id, Name: of.Name(), Username: p.Username},
	}
}

// answer says something in the ticket, under the person's name.
func (s *Site) answer(c *fiber.Ctx, of *session) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	text := strings.TrimSpace(messages.CleanText(c.FormValue("text")))
	if messages.Blank(text) || len([]rune(text)) > answerAtMost {
		return s.refuse(c, http.StatusUnprocessableEntity, "answer_empty")
	}
	o := s.origin(c, of)
	// Other words are another answer, also from the same form: its first reply may have been lost (as in the API, D10).
	sum := sha256.Sum256([]byte(text))
	o.CommandId += ":" + hex.EncodeToString(sum[:8])
	m := &messages.SendMessage{Origin: o, Content: &messages.Content{Text: text}}
	reply, err := ask[*messages.Reply](ctx, s, messages.KindTicket, may.ticket.TicketId, m)
	if err != nil {
		return err
	}
	if reply.Code == messages.Code_CONFLICT {
		return s.refuse(c, http.StatusConflict, "answer_closed")
	}
	return s.done(c, may)
}

func (s *Site) close(c *fiber.Ctx, of *session) error {
	return s.command(c, of, func(o *messages.Origin) ticketCommand {
		return &messages.CloseTicket{Origin: o, Reason: firstOf(messages.CleanLine(c.FormValue("reason")), 1000)}
	})
}

func (s *Site) reopen(c *fiber.Ctx, of *session) error {
	return s.command(c, of, func(o *messages.Origin) ticketCommand { return &messages.ReopenTicket{Origin: o} })
}

type ticketCommand interface {
	GetOrigin() *messages.Origin
	proto.Message
}

// command gives a command as the person would in a topic of the ticket. So the ticket decides whether they may, and its
// answer is in that topic.
func (s *Site) command(c *fiber.Ctx, of *session, commandOf func(*messages.Origin) ticketCommand) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	if !may.manages || may.topic == nil {
		return s.refuse(c, http.StatusForbidden, "not_allowed")
	}
	o := s.origin(c, of)
	o.Place, o.ChatId, o.ThreadId = may.topic.Place, may.topic.ChatId, may.topic.ThreadId
	if _, err := ask[*messages.Reply](ctx, s, messages.KindTicket, may.ticket.TicketId, commandOf(o)); err != nil {
		return err
	}
	return s.done(c, may)
}

// done ends a request that changed a ticket: htmx stays on its page, which hears of the change by its stream.
func (s *Site) done(c *fiber.Ctx, may *access) error {
	if isHTMX(c) {
		return c.SendStatus(http.StatusNoContent)
	}
	return c.Redirect("/tickets/"+may.ticket.TicketId, http.StatusSeeOther)
}

// refuse says in words why something can't be done: htmx shows them beside the form.
func (s *Site) refuse(c *fiber.Ctx, status int, key string) error {
	if !isHTMX(c) {
		return &failure{status, key}
	}
	of, _ := c.Locals(localSession).(*session)
	c.Status(status).Type("txt", "utf-8")
	return c.SendString(textOf(languageOf(c, of), key))
}
