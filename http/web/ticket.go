package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	messagesOnPage = 50
	messagesLive   = 500 // that are shown anew at once
	fromTheFirst   = -1  // what comes after it is all of a ticket; 0 would be the newest
)

// ticketPage is what a ticket's page shows.
type ticketPage struct {
	*messages.TicketRecord
	may      *access
	Group    string
	Acts     bool // they may close and change it
	Mentions bool // and one in a group, where colleagues can be mentioned
	Claims   bool // and they may take care of the ticket, as far as that is known without asking it
	Has      bool // they do
	Waits    waits
	Closing  *messages.WebClosing // nil: it is not closed, or nothing is known of that
	Uploads  bool
	Notes    []topicLink                  // where they can write internal notes
	Topics   []topicLink                  // those that they can open in Telegram
	Files    []*messages.AttachmentRecord // of the description
	Messages []said
	Older    int64  // sequence before which there is more; 0: nothing
	First    int64  // sequence before the first that is shown live
	Live     bool   // only the part that changes
	Same     bool   // and of that only messages: the rest is as the page has it
	Context  string // what the messages are shown in
	kept     []int64
	FormID   string
	Age      age
}

// topicLink is a topic of a ticket in a group.
type topicLink struct {
	Chat       int64
	Title, URL string
}

// said is a message as the timeline shows it.
type said struct {
	*messages.MessageRecord
	Version   int64 // as WebMessage has it
	Sent      time.Time
	Where     string
	URL       string // into Telegram
	Files     []*messages.AttachmentRecord
	Reactions []*messages.WebReaction
	Copies    []copied
	Former    int64 // how many former versions there are
	Hidden    bool  // protected, and written elsewhere
	Own       bool
}

// ISO is when it was sent, as <time> has it.
func (m said) ISO() string { return m.Sent.UTC().Format(time.RFC3339) }

// Clock is when it was sent, for browsers that run no scripts.
func (m said) Clock() string { return m.Sent.UTC().Format("2006-01-02 15:04 UTC") }

func isoOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// Body is its text, with the markup.
func (m said) Body(v *view) template.HTML {
	return markedHTML(m.GetContent().GetText(), m.GetContent().GetEntities(), v.T("spoiler"))
}

// Answers is what it answers, in a few words.
func (m said) Answers(v *view) template.HTML {
	r := m.GetReference()
	if r.GetDeleted() {
		return template.HTML(template.HTMLEscapeString(v.T("deleted"))) //nolint:gosec // it is escaped
	}
	if r.GetPreview() == "" {
		return template.HTML(template.HTMLEscapeString(m.GetReplyPreview())) //nolint:gosec // it is escaped
	}
	return markedHTML(r.GetPreview(), r.GetPreviewEntities(), v.T("spoiler"))
}

// Besides says what it carries besides text and files.
func (m said) Besides(v *view) string {
	media := m.GetContent().GetMedia()
	if media == nil || len(m.Files) > 0 {
		return ""
	}
	return cmp.Or(messages.WordsOf(media), v.T(mediaKey(media.GetKind())))
}

// Priorities are those to choose from.
func (p *ticketPage) Priorities() []string { return priorities }

// DescriptionHTML is the description, with its markup.
func (p *ticketPage) DescriptionHTML(v *view) template.HTML {
	return markedHTML(p.Description, p.DescriptionEntities, v.T("spoiler"))
}

// HeadRev changes with what the page says of the ticket.
func (p *ticketPage) HeadRev() string {
	return revOf(p.Rev(), p.Waits.Rev())
}

// Rev changes with what the page lets people do, but not with each word that is said.
func (p *ticketPage) Rev() string {
	topics := make([]string, 0, len(p.Topics)+2*len(p.Files))
	for _, t := range p.Topics {
		topics = append(topics, t.URL)
	}
	for _, file := range p.Files {
		topics = append(topics, file.AttachmentId, file.State)
	}
	return revOf(p.Status, p.Priority, p.Title, p.Description, strconv.FormatBool(p.Acts), strconv.FormatBool(p.Mentions), strconv.FormatBool(p.Claims), strings.Join(topics, " "),
		p.Assignee.GetId(), p.Assignee.GetName(), p.Closing.GetBy(), p.Closing.GetReason())
}

// revOf is short for what it is made of: pages compare it to see what has changed.
func revOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// article is a message with what its template needs of the page.
type article struct {
	*view
	Said     said
	TicketID string
}

// View is what texts are worded for.
func (a article) View() *view { return a.view }

// fileView is a file with the language that it is shown in.
type fileView struct {
	*view
	Record  *messages.AttachmentRecord
	Address string
}

// File is what the template of a file needs. sequence is that of the message that has it; 0: the description has it.
func (v *view) File(sequence int64, a *messages.AttachmentRecord) fileView {
	return fileView{v, a, fileAddress(sequence, a)}
}

// Isolated keeps a name that is written from right to left from turning the words around it.
func (v *view) Isolated(name string) string { return "\u2068" + name + "\u2069" }

// Article is a message of the timeline. Its revision tells pages whether it has changed.
func (v *view) Article(m said) (template.HTML, error) {
	p, _ := v.Data.(*ticketPage)
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, "article", article{v, m, p.TicketId}); err != nil {
		return "", err
	}
	class := "message"
	if m.Internal {
		class += " note"
	}
	if m.Own {
		class += " own"
	}
	id, version := strconv.FormatInt(m.Sequence, 10), ""
	if m.Version != 0 {
		version = `" data-version="` + strconv.FormatInt(m.Version, 10)
	}
	return template.HTML(`<article class="` + class + `" id="m` + id + `" data-rev="` + revOf(b.String(), class) + version + //nolint:gosec // made by a template
		`" data-testid="message">` + b.String() + "</article>"), nil
}

// ticketOrOperations leads who signed in by an API key to the page that they have for a ticket, so that people can send its address.
func (s *Site) ticketOrOperations(c *fiber.Ctx, of *session) error {
	if of.person == nil {
		return c.Redirect(operationsPath+"/tickets/"+url.PathEscape(c.Params("id")), http.StatusSeeOther)
	}
	return s.ticket(c, of)
}

func (s *Site) ticket(c *fiber.Ctx, of *session) error {
	p, err := s.ticketPage(c, of, 0, 0, had{})
	if err != nil {
		return err
	}
	return s.render(c, "ticket", &view{Title: p.Title, Session: of, Data: p})
}

// timeline is a part of a ticket's page: what is older than a message, or what changes.
func (s *Site) timeline(c *fiber.Ctx, of *session) error {
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64)
	after, _ := strconv.ParseInt(c.Query("after"), 10, 64)
	has := hadBy(c)
	p, err := s.ticketPage(c, of, before, after, has)
	if err != nil {
		return err
	}
	p.Live = before == 0
	p.Same = p.Live && has.rev == p.HeadRev()+"."+p.Rev()
	return s.render(c, "timeline", &view{Session: of, Data: p})
}

func (s *Site) ticketPage(c *fiber.Ctx, of *session, before, after int64, has had) (*ticketPage, error) {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return nil, err
	}
	p := &ticketPage{TicketRecord: may.ticket, may: may, Acts: may.acts, Mentions: len(may.groups) > 0, Uploads: s.o.Files != nil,
		FormID: rand.Text(), First: after, Age: age{time.UnixMilli(may.ticket.CreatedMs), s.o.Now()}}
	p.Claims, p.Has = may.claims(of), isPerson(may.ticket.Assignee, of)
	p.Waits = waitsOf(may.ticket, may.inside, s.o.Now())
	titles, err := s.titlesOf(ctx, may, nil)
	if err != nil {
		return nil, err
	}
	if after != 0 {
		defer s.renewing(ctx, s.streams.tickets)()
	}
	context := p.contextFor(languageOf(c, of), titles)
	found, err := ask[*messages.WebTimeline](ctx, s, messages.KindQuery, "", has.asked(may.ticket.TicketId, context, before, after))
	if err != nil {
		return nil, err
	}
	all := found.Messages
	p.Closing = found.Closing
	p.Files, p.Context, p.kept = found.DescriptionFiles, context+"."+found.Context, found.Kept
	if after == 0 && len(all) > messagesOnPage {
		all = all[len(all)-messagesOnPage:]
		p.Older = all[0].Message.Sequence
	}
	if after != 0 && len(all)+len(p.kept) >= messagesLive {
		c.Set("HX-Refresh", "true") // the page has been open for long; the newest would not be shown
	}
	if after == 0 {
		if p.First = fromTheFirst; len(all) > 0 && all[0].Message.Sequence > 1 {
			p.First = all[0].Message.Sequence - 1
		}
	}
	if before == 0 && (len(p.kept) == 0 || len(all) > 0 && all[len(all)-1].Message.Sequence > p.kept[len(p.kept)-1]) {
		s.markRead(ctx, of, may.ticket, all) // what it has was marked when it came
	}
	if err := s.name(ctx, titles, all); err != nil {
		return nil, err
	}
	p.Group = titles[may.ticket.GroupId]
	for _, topic := range may.groups {
		link := topicLink{topic.ChatId, titles[topic.Place], messages.TopicURL(topic.ChatId, topic.ThreadId)}
		p.Notes = append(p.Notes, link)
		if link.URL != "" {
			p.Topics = append(p.Topics, link)
		}
	}
	for _, one := range all {
		if v, seen := p.saidOf(one, of, titles, found.Waiting); seen {
			p.Messages = append(p.Messages, v)
		}
	}
	return p, nil
}

// saidOf is what the person may see of a message; false: nothing.
func (p *ticketPage) saidOf(one *messages.WebMessage, of *session, titles titles, waits map[string]*messages.WebWaiting) (v said, seen bool) {
	r, may := one.Message, p.may
	if r.Internal && !may.sees(r) {
		return v, false
	}
	at := r.GetTopic()
	v = said{MessageRecord: r, Version: one.Version, Sent: time.UnixMilli(r.SentMs), Where: may.topicTitle(titles, at),
		Hidden: !may.sees(r), Reactions: one.Reactions, Copies: p.copiesOf(r, titles, waits),
		Own: r.GetSender().GetKind() == messages.Sender_USER && r.GetSender().GetId() == of.person.Id}
	if !may.inside {
		v.Where = ""
	}
	if _, id, ok := messages.ParseMessageKey(r.MessageId); ok && may.member[at.GetGroupId()] {
		v.URL = messageURL(at.GetChatId(), at.GetTelegramTopicId(), []int64{id})
	}
	if may.seesFormer(r, of) {
		v.Former = one.Former
	}
	if !v.Hidden && !r.Deleted {
		v.Files = one.Files
	}
	return v, true
}

// titles are the names of groups, by place. A group that is unknown has none.
type titles map[string]string

// titlesOf names the groups of a ticket, and those in which messages were written or to which they went.
func (s *Site) titlesOf(ctx context.Context, may *access, all []*messages.WebMessage) (titles, error) {
	known := titles{}
	err := s.nameOne(ctx, known, may.ticket.GroupId)
	for _, topic := range may.topics {
		err = cmp.Or(err, s.nameOne(ctx, known, topic.Place))
	}
	return known, cmp.Or(err, s.name(ctx, known, all))
}

// name adds the groups in which messages were written or to which they went.
func (s *Site) name(ctx context.Context, known titles, all []*messages.WebMessage) (err error) {
	for _, m := range all {
		err = cmp.Or(err, s.nameOne(ctx, known, m.GetMessage().GetTopic().GetGroupId()))
		for _, d := range m.GetMessage().GetDeliveries() {
			err = cmp.Or(err, s.nameOne(ctx, known, d.GetTopic().GetGroupId()))
		}
	}
	return err
}

func (s *Site) nameOne(ctx context.Context, known titles, place string) error {
	if _, named := known[place]; named || !messages.IsGroup(place) {
		return nil
	}
	g, err := ask[*messages.GroupRecord](ctx, s, messages.KindQuery, "", &messages.GetGroupRecord{GroupId: place})
	if err != nil && !errors.Is(err, errNowhere) {
		return err
	}
	known[place] = g.GetFacts().GetTitle()
	return nil
}
