package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// Intake turns Telegram's updates into commands to the desk. An update is handled when the desk has accepted each of
// its commands, which is one durable write per command. Handling never waits for a call to Telegram.
//
// The same update may arrive again, since Telegram and the poller repeat what was not acknowledged. Commands carry
// ids that make them idempotent.
type Intake struct {
	desk       Desk
	directory  *Directory
	bot        BotIdentity
	allowed    func(chatID int64) bool
	isAskTitle func(text string) bool
	publicURL  string
	now        func() time.Time
	log        *slog.Logger
	metrics    *intakeMetrics
	tracer     *tracing.Tracer

	people *cache[int64, uint64]       // user id → hash of the profile that the desk was last sent
	names  *cache[string, int64]       // username in lower case → id of whom it was last seen with
	givers *cache[int64, struct{}]     // user id → the desk was asked to keep them, since they gave a command
	done   *cache[updateKey, struct{}] // accepted updates: a repeated batch resumes where it failed

	untitledIn *cache[askedIn, time.Time] // when somebody in a group was asked for a title, until they write next
}

// BotIdentity is the bot's own account, as getMe returns it.
type BotIdentity struct {
	ID       int64
	Username string // without "@"
}

// IntakeOptions configure an Intake. Each field works with its zero value.
type IntakeOptions struct {
	Bot        BotIdentity
	Allowed    func(chatID int64) bool // which groups may register; nil: any
	IsAskTitle func(text string) bool  // whether a text of the bot is NoticeAskTitle, in any language; nil: none is
	PublicURL  string                  // where people reach the web desk, without a slash at the end
	Now        func() time.Time        // nil: time.Now
	Log        *slog.Logger            // nil: slog.Default
	Metrics    prometheus.Registerer   // nil: not registered
	Tracer     *tracing.Tracer         // nil: nothing is traced
}

const (
	peopleCached    = 50_000
	updatesCached   = 2_000 // a repeated batch has at most 100
	titlesAsked     = 2_000 // people in groups
	titleOfText     = 60    // UTF-16 units of a text's first line that become the title
	outcomeRepeated = "repeated"

	outcomeNotAccepted = "not_accepted"
)

type updateKey struct{ update, chat, message int64 }

// NewIntake makes an intake that sends its commands to desk.
func NewIntake(desk Desk, o IntakeOptions) *Intake {
	metrics := newIntakeMetrics(o.Metrics)
	in := &Intake{
		desk: desk, directory: NewDirectory(desk, metrics.lookedUp),
		bot: o.Bot, allowed: o.Allowed, isAskTitle: o.IsAskTitle, publicURL: o.PublicURL, now: o.Now, log: o.Log,
		metrics: metrics, tracer: o.Tracer,
		people: newCache[int64, uint64](peopleCached), names: newCache[string, int64](peopleCached),
		givers: newCache[int64, struct{}](peopleCached), done: newCache[updateKey, struct{}](updatesCached),
		untitledIn: newCache[askedIn, time.Time](titlesAsked),
	}
	if in.allowed == nil {
		in.allowed = func(int64) bool { return true }
	}
	if in.isAskTitle == nil {
		in.isAskTitle = func(string) bool { return false }
	}
	if in.now == nil {
		in.now = time.Now
	}
	if in.log == nil {
		in.log = slog.Default()
	}
	return in
}

// Poller makes a poller that sets aside with keeper what is not accepted, and counts it.
func (in *Intake) Poller(keeper Keeper) *Poller {
	return &Poller{Log: in.log, Keeper: keeper, count: in.metrics.aside}
}

// Handle handles one update. nil means that the update may be acknowledged: it is accepted, or of no interest, or
// can't be understood, now or later (which is logged and counted). An error means that it must be delivered again.
func (in *Intake) Handle(ctx context.Context, raw []byte) error {
	u := in.Decode(raw)
	if u == nil {
		return nil
	}
	return in.Accept(ctx, u)
}

// Decode reads an update; nil means that it is passed over.
func (in *Intake) Decode(raw []byte) *Update {
	u, err := Decode(raw)
	if err != nil {
		in.metrics.undecodable.Inc()
		in.metrics.updates.WithLabelValues(kindOf(u), "undecodable").Inc()
		in.log.Warn("update passed over", "update", u.ID, "type", kindOf(u), "bytes", len(raw), "error", err)
		return nil
	}
	u.Received = in.now()
	return u
}

func kindOf(u *Update) string {
	if u.Kind == "" {
		return KindOther
	}
	return u.Kind
}

// Accept is Handle for a decoded update.
func (in *Intake) Accept(ctx context.Context, u *Update) error {
	key := u.key()
	if _, repeated := in.done.get(key); repeated {
		in.metrics.updates.WithLabelValues(u.Kind, outcomeRepeated).Inc()
		return nil
	}
	ctx, span := in.trace(ctx, u)
	defer span.End()
	h := &handling{Intake: in, ctx: ctx, update: u}
	outcome, err := h.run()
	took := in.now().Sub(u.Received)
	if errors.Is(err, messages.ErrFault) {
		in.log.ErrorContext(ctx, "update passed over: a fault in the service", append(h.attributes(took), "error", err)...)
		outcome, err = "fault", nil
		span.Fail("fault")
	}
	if err != nil {
		span.Fail(outcomeNotAccepted)
		in.metrics.updates.WithLabelValues(u.Kind, outcomeNotAccepted).Inc()
		in.log.WarnContext(ctx, "update not accepted", append(h.attributes(took), "error", err)...)
		return fmt.Errorf("update %d: %w", u.ID, err)
	}
	in.done.put(key, struct{}{})
	h.learn() // after a command, since some commands save the profile themselves
	in.metrics.updates.WithLabelValues(u.Kind, outcome).Inc()
	span.Note("topicdesk.outcome", outcome)
	span.Note("topicdesk.ticket", h.ticket)
	in.metrics.seconds.Observe(took.Seconds())
	level := slog.LevelDebug
	if h.ticket != "" && aboutTicket[outcome] {
		level = slog.LevelInfo
	}
	if in.log.Enabled(ctx, level) {
		in.log.Log(ctx, level, "update", append(h.attributes(took), "outcome", outcome)...)
	}
	return nil
}

// aboutTicket has the outcomes of updates by which people do something with a ticket, other than speaking: few enough to be in
// the log at info, where whoever follows a ticket finds the update.
var aboutTicket = map[string]bool{"command": true, "pressed": true, "by_hand": true, "followed": true, "reopened": true}

// handling is what Intake knows while it handles one update.
type handling struct {
	*Intake
	ctx    context.Context
	update *Update

	chat           Chat
	origin         *messages.Origin   // where the update comes from; nil until that is known
	known          bool               // whether the desk knows the group
	self           *messages.UserView // who writes in their private chat, see person; nil: not read yet
	title          int64              // the message for whose title the bot asked, if a button says that this is it
	waitsWith      int64              // what the message waits with of which a button makes a ticket, see SendNoticeCall.question; 0: with nothing
	ticket         string             // the id of the ticket that the topic belongs to, "" for none
	follows        string             // the closed ticket that the one to be opened goes on from; "": none
	titleElsewhere string             // of the one to be opened, if it has the title of follows: its title in another group, which must not learn that
	gave           int64              // who gave a command where the desk knows the chat: from then on it knows them
	own            bool               // in a private chat: the topic is the ticket's own
	meant          bool               // in a private chat: the message itself says that it is about this ticket
}

// run handles the update. A panic is a bug that the same update would meet each time, while every later update of the
// chat waits. So run logs it with the stack and passes the update over.
func (h *handling) run() (outcome string, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.ErrorContext(h.ctx, "update passed over: panic",
				append(h.attributes(0), "panic", p, "stack", string(debug.Stack()))...)
			outcome, err = "panic", nil
		}
	}()
	if err := h.ctx.Err(); err != nil {
		return "", err
	}
	switch h.update.Kind {
	case KindMessage:
		return h.onMessage(h.update.Message)
	case KindEdited:
		return h.onEdited(h.update.Message)
	case KindReaction:
		return h.onReaction(h.update.Reaction)
	case KindCallback:
		return h.onCallback(h.update.Callback)
	case KindMyMember:
		return h.onMyMember(h.update.Member)
	case KindChatMember:
		return h.onChatMember(h.update.Member)
	}
	return "ignored", nil
}

func (u *Update) key() updateKey {
	k := updateKey{update: u.ID}
	if m := u.Message; m != nil {
		k.chat, k.message = m.Chat.ID, m.ID
	}
	return k
}

func (h *handling) attributes(took time.Duration) []any {
	a := []any{"update", h.update.ID, "type", h.update.Kind}
	if o := h.origin; o != nil {
		a = append(a, "chat", o.ChatId, "place", o.Place, "topic", o.ThreadId, "message", o.MessageId, "command", o.CommandId)
	}
	if h.ticket != "" {
		a = append(a, "ticket", h.ticket)
	}
	return append(a, "took", took)
}

// place returns the place of a chat, and notes whether the desk knows it.
func (h *handling) place(c Chat) (string, error) {
	if c.Private() {
		h.known = true
		return messages.UserPlace(c.ID), nil
	}
	place, known, err := h.directory.GroupPlace(h.ctx, c.ID)
	h.known = known
	return place, err
}

// langOf returns the language in which to answer a person, by the language of their client.
func langOf(p *messages.Person) string {
	if code := p.GetLanguageCode(); len(code) >= 2 && strings.EqualFold(code[:2], "th") {
		return "th"
	}
	return "en"
}
