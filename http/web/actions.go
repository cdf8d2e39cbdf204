package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	answerAtMost = 16384 // characters, as the API has it
	noteAtMost   = 3500  // UTF-16 units: it stays one message in Telegram, with its head
	titleAtMost  = 255   // characters, as in Telegram and the API
	commandIDs   = 40    // characters of a form's id
)

// priorities are those that a ticket can have, as the page lists them.
var priorities = []string{"low", "normal", "high", "urgent"}

// origin is that of what a person does here: their own command, with an id that a form sent twice repeats.
func (s *Site) origin(c *fiber.Ctx, of *session) *messages.Origin {
	return s.originOf(of, c.FormValue("form"))
}

func (s *Site) originOf(of *session, form string) *messages.Origin {
	now, p := s.o.Now().UnixMilli(), of.person
	if form == "" || len(form) > commandIDs {
		form = rand.Text()
	}
	id := strconv.FormatInt(p.Id, 10)
	return &messages.Origin{
		CommandId: "web:" + id + ":" + form, DateMs: now, ReceivedMs: now, From: p, Lang: catalogueLang(of.lang), Web: true,
		Sender: &messages.Sender{Kind: messages.Sender_USER, Id: p.Id, Name: of.Name(), Username: p.Username},
	}
}

// saying makes the id of an origin that of these words, too (and of where a note is): other words are another message, also from the same form, whose
// first reply may have been lost (as in the API, D10).
func saying(o *messages.Origin, text string) *messages.Origin {
	sum := sha256.Sum256([]byte(text))
	o.CommandId += ":" + hex.EncodeToString(sum[:8])
	return o
}

// answer says something in the ticket, under the person's name: to everybody, or as an internal note.
func (s *Site) answer(c *fiber.Ctx, of *session) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	text := strings.TrimSpace(messages.CleanText(c.FormValue("text")))
	files := c.Context().PostArgs().PeekMulti("file")
	said, note := messages.CutNote(text) // as in Telegram, but of those who can write notes
	ofTeam := len(may.groups) > 0 || may.partly
	switch {
	case c.FormValue("note") != "" || note && ofTeam:
		return s.note(c, of, may, said, len(files))
	case looksLikeCommand(text), ofTeam && looksNoted(text):
		return s.refuse(c, http.StatusUnprocessableEntity, "answer_command")
	}
	if len([]rune(text)) > answerAtMost || messages.Blank(text) && len(files) == 0 {
		return s.refuse(c, http.StatusUnprocessableEntity, "answer_empty")
	}
	if len(files) > 0 {
		return s.answerWithFiles(c, of, may, text, files)
	}
	m := &messages.SendMessage{Origin: saying(s.origin(c, of), text), Content: &messages.Content{Text: text}}
	reply, err := s.give(ctx, may.ticket.TicketId, m)
	if err != nil {
		return err
	}
	return s.answered(c, may, reply)
}

// looksLikeCommand says whether a text begins with a command of the bot's, which nobody else is to read.
func looksLikeCommand(text string) bool {
	verb, is := strings.CutPrefix(text, "/")
	if !is {
		return false
	}
	words := strings.FieldsFunc(verb, messages.Separator)
	if len(words) == 0 || !strings.HasPrefix(verb, words[0]) {
		return false
	}
	verb, _, _ = strings.Cut(words[0], "@")
	_, is = messages.CommandOf(strings.ToLower(verb))
	return is
}

// looksNoted says whether a text could be a misspelt command with an internal note.
func looksNoted(text string) bool {
	verb, is := strings.CutPrefix(text, "/")
	if !is {
		return false
	}
	rest := strings.TrimLeftFunc(verb, func(r rune) bool { return r == '_' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r) })
	_, _, note := messages.SplitNote(rest)
	return note && rest != verb
}

// note writes an internal note into a topic of a group to which the person belongs. It stays there.
func (s *Site) note(c *fiber.Ctx, of *session, may *access, text string, files int) error {
	switch {
	case messages.Blank(text) || messages.UTF16Len(text) > noteAtMost:
		return s.refuse(c, http.StatusUnprocessableEntity, "note_empty")
	case files > 0:
		return s.refuse(c, http.StatusUnprocessableEntity, "note_files")
	}
	where := c.FormValue("where")
	topic := may.noteTopic(where)
	if may.partly && (topic == nil || where == "") { // it must not go to everybody meanwhile, nor to the other of their groups
		return s.refuse(c, http.StatusServiceUnavailable, "refused_cannot_ask")
	}
	if topic == nil {
		return s.refuse(c, http.StatusForbidden, "refused_no_topic")
	}
	reply, err := s.giveNote(c, of, may, topic, text)
	if err != nil {
		return err
	}
	return s.answered(c, may, reply)
}

func (s *Site) giveNote(c *fiber.Ctx, of *session, may *access, topic *messages.WebTopic, text string) (*messages.Reply, error) {
	m := &messages.SendMessage{Origin: saying(s.origin(c, of), "//"+topic.Place+"\x00"+text), Content: &messages.Content{Text: text}, Internal: true}
	givenIn(m.Origin, topic)
	return s.give(c.UserContext(), may.ticket.TicketId, m)
}

// close closes the ticket. What begins in the reason as an internal note is one, as in Telegram (docs/decisions.md, D226).
func (s *Site) close(c *fiber.Ctx, of *session) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	reason, topic := firstOf(messages.CleanLine(c.FormValue("reason")), 1000), may.topic
	if before, note, is := messages.SplitNote(reason); is && (len(may.groups) > 0 || may.partly) {
		reason, topic = before, may.deskTopic() // both stand in one team's topic
		said, _ := messages.CutNote(note)
		switch {
		case may.partly: // it must not go to everybody meanwhile
			return s.refuse(c, http.StatusServiceUnavailable, "refused_cannot_ask")
		case topic == nil:
			return s.refuse(c, http.StatusForbidden, "refused_no_topic")
		case !messages.Blank(said):
			reply, err := s.giveNote(c, of, may, topic, said)
			if err != nil {
				return err
			}
			if reply.Code != messages.Code_OK && reply.Code != messages.Code_DUPLICATE {
				return s.answered(c, may, reply)
			}
		}
	}
	return s.carryOut(c, of, may, topic, func(o *messages.Origin) ticketCommand {
		return &messages.CloseTicket{Origin: o, Reason: reason}
	})
}

func (s *Site) reopen(c *fiber.Ctx, of *session) error {
	return s.command(c, of, func(o *messages.Origin) ticketCommand { return &messages.ReopenTicket{Origin: o} })
}

func (s *Site) pending(c *fiber.Ctx, of *session) error {
	return s.command(c, of, func(o *messages.Origin) ticketCommand { return &messages.SetPending{Origin: o} })
}

func (s *Site) priority(c *fiber.Ctx, of *session) error {
	wanted := c.FormValue("priority")
	if !slices.Contains(priorities, wanted) {
		return s.refuse(c, http.StatusUnprocessableEntity, "refused_priority")
	}
	return s.command(c, of, func(o *messages.Origin) ticketCommand { return &messages.SetPriority{Origin: o, Priority: wanted} })
}

func (s *Site) retitle(c *fiber.Ctx, of *session) error {
	title := messages.CleanLine(c.FormValue("title"))
	if messages.Blank(title) || len([]rune(title)) > titleAtMost {
		return s.refuse(c, http.StatusUnprocessableEntity, "refused_title_missing")
	}
	return s.command(c, of, func(o *messages.Origin) ticketCommand { return &messages.RenameTicket{Origin: o, Title: title} })
}

// mention brings a colleague in. As in Telegram, it is given in a topic of a group.
func (s *Site) mention(c *fiber.Ctx, of *session) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.FormValue("user"), 10, 64)
	if err != nil || id <= 0 {
		return s.refuse(c, http.StatusUnprocessableEntity, "refused_mention_unknown")
	}
	return s.carryOut(c, of, may, may.noteTopic(""), func(o *messages.Origin) ticketCommand {
		return &messages.Mention{Origin: o, UserId: id}
	})
}

// retry tries a copy again that was given up.
func (s *Site) retry(c *fiber.Ctx, of *session) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	m, err := s.messageAt(ctx, may, c.FormValue("message"))
	if err != nil {
		return err
	}
	into := c.FormValue("into")
	if !slices.ContainsFunc(m.Message.Deliveries, func(d *messages.Delivery) bool { return d.GetTopic().GetTopicId() == into }) {
		return errNowhere
	}
	link, home := into, into == may.ticket.GetTopic().GetTopicId()
	if home {
		link = m.GetMessage().GetTopic().GetTopicId() // the link of a topic makes its copies into the home topic, too
	}
	return s.carryOut(c, of, may, may.topic, func(o *messages.Origin) ticketCommand {
		return &messages.RetryCopy{Origin: o, LinkId: link, Sequence: m.Message.Sequence, ToHome: home}
	})
}

// messageAt finds a message that the person may see, by its sequence.
func (s *Site) messageAt(ctx context.Context, may *access, sequence string) (*messages.WebMessage, error) {
	n, err := strconv.ParseInt(sequence, 10, 64)
	if err != nil || n <= 0 {
		return nil, errNowhere
	}
	m := &messages.ListWebTimeline{TicketId: may.ticket.TicketId, Sequence: n, Limit: 1}
	found, err := ask[*messages.WebTimeline](ctx, s, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	if len(found.Messages) != 1 || !may.sees(found.Messages[0].Message) {
		return nil, errNowhere
	}
	return found.Messages[0], nil
}

type ticketCommand interface {
	GetOrigin() *messages.Origin
	proto.Message
}

// command gives a command as the person would in a topic of the ticket. The ticket decides whether they may.
func (s *Site) command(c *fiber.Ctx, of *session, commandOf func(*messages.Origin) ticketCommand) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	return s.carryOut(c, of, may, may.topic, commandOf)
}

// carryOut gives a command in a topic; nil: in none, which is refused.
func (s *Site) carryOut(c *fiber.Ctx, of *session, may *access, topic *messages.WebTopic,
	commandOf func(*messages.Origin) ticketCommand) error {
	if topic == nil {
		return s.refuse(c, http.StatusForbidden, "refused_no_topic")
	}
	o := s.origin(c, of)
	givenIn(o, topic)
	reply, err := s.give(c.UserContext(), may.ticket.TicketId, commandOf(o))
	if err != nil {
		return err
	}
	return s.answered(c, may, reply)
}

// givenIn has a command come from a topic.
func givenIn(o *messages.Origin, topic *messages.WebTopic) {
	o.Place, o.ChatId, o.ThreadId = topic.Place, topic.ChatId, topic.ThreadId
}

// give sends a command. While Telegram is asked whether the person may, it is sent again: that changes nothing, and brings the
// answer.
func (s *Site) give(ctx context.Context, ticketID string, m ticketCommand) (*messages.Reply, error) {
	for pause := firstPause; ; pause *= 2 {
		reply, err := ask[*messages.Reply](ctx, s, messages.KindTicket, ticketID, m)
		if err != nil || reply.Reason != messages.ReasonAsking || pause > longestPause {
			return reply, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.o.Ending:
			return reply, nil
		case <-time.After(pause):
		}
	}
}

// answered ends a request that gave a command: what refuses it is said on the page. htmx stays on its page, which hears of a
// change by its stream.
func (s *Site) answered(c *fiber.Ctx, may *access, reply *messages.Reply) error {
	switch {
	case reply.Reason == messages.ReasonAsking:
		return s.refuse(c, http.StatusAccepted, "refused_asking")
	case reply.Code == messages.Code_CONFLICT:
		return s.refuse(c, statusOf(reply.Reason), refusedKey(reply.Reason), pairsOf(reply.Args)...)
	case isHTMX(c):
		return c.SendStatus(http.StatusNoContent)
	}
	return c.Redirect("/tickets/"+may.ticket.TicketId, http.StatusSeeOther)
}

func statusOf(reason string) int {
	switch reason {
	case messages.NoticeNotAllowed:
		return http.StatusForbidden
	case messages.ReasonManyPending:
		return http.StatusTooManyRequests
	}
	return http.StatusConflict
}

// refusedKey names the text for a reason of a refusal.
func refusedKey(reason string) string {
	if key := "refused_" + reason; textOf("en", key) != key {
		return key
	}
	return "refused_other"
}

func pairsOf(args map[string]string) (pairs []any) {
	for name, value := range args {
		pairs = append(pairs, name, value)
	}
	return pairs
}

// refuse says in words why something can't be done: htmx shows them beside the form.
func (s *Site) refuse(c *fiber.Ctx, status int, key string, pairs ...any) error {
	if !isHTMX(c) {
		return &failure{status, key, pairs}
	}
	of, _ := c.Locals(localSession).(*session)
	c.Status(status).Type("txt", "utf-8")
	return c.SendString(textOf(languageOf(c, of), key, pairs...))
}
