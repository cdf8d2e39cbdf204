package actors_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// turnModel is what should be known of one ticket: for whom it waits, since when, and who has it.
type turnModel struct {
	d        *desk
	k        *ticket
	opener   int64
	private  bool // the ticket was opened from Eve's private chat
	eng      int  // thread of the linked topic; 0: none
	left     bool // it was unlinked
	closed   bool
	whom     string
	since    time.Time
	assignee int64
	bobs     bool // Bob has said a word of the desk
	doras    bool // Dora has written in the linked topic
	n        int
	said     []simulator.Message
	reacted  map[string]string // by chat and message: the reaction of whoever wrote it
}

// spot is somebody where they write.
type spot struct {
	by, chat int64
	thread   int
}

func (m *turnModel) linked() bool { return m.eng != 0 && !m.left }

// spots are those who can write on the ticket now. When it is closed, only administrators can.
func (m *turnModel) spots() []spot {
	d := m.d
	all := []spot{{d.ann, d.support, m.k.thread}}
	if m.linked() {
		all = append(all, spot{d.bob, d.engineering, m.eng})
	}
	if m.closed {
		return all
	}
	all = append(all, spot{d.eve, d.support, m.k.thread}, spot{d.carl, d.support, m.k.thread})
	if m.linked() {
		all = append(all, spot{d.dora, d.engineering, m.eng})
	}
	if m.private {
		all = append(all, spot{d.eve, d.eve, 0}, spot{d.eve, d.eve, 0})
	}
	return all
}

// side is whose word it is what somebody says there.
func (m *turnModel) side(s spot) string {
	colleagues := m.opener == m.d.ann && m.linked()
	switch {
	case s.chat == s.by, colleagues && s.chat == m.d.support, !colleagues && s.by == m.opener:
		return "customer"
	case s.by == m.d.dora && !colleagues:
		return ""
	}
	return "desk"
}

func (m *turnModel) say(t *rapid.T) {
	s := rapid.SampledFrom(m.spots()).Draw(t, "who")
	m.n++
	text := rapid.SampledFrom([]string{"word %d", "word %d", "word %d", "// note %d", "thanks!", "ขอบคุณครับ"}).Draw(t, "what")
	if strings.Contains(text, "%d") {
		text = fmt.Sprintf(text, m.n)
	}
	msg := m.d.say(s.by, s.chat, s.thread, text)
	if s.chat == s.by && strings.HasPrefix(text, "//") {
		return // from a private chat nothing is a note: the bot asks
	}
	m.d.awaitHeard(m.k, msg)
	if !m.closed {
		m.said = append(m.said, msg)
	}
	m.doras = m.doras || s.by == m.d.dora
	side := m.side(s)
	if side == "" || !strings.HasPrefix(text, "word") {
		return
	}
	m.bobs = m.bobs || s.by == m.d.bob && side == "desk"
	if m.closed {
		return
	}
	whom := map[string]string{"customer": "desk", "desk": "customer"}[side]
	if m.whom != whom {
		m.whom, m.since = whom, m.d.said(msg).RecordedAt
	}
	if side == "desk" && m.assignee == 0 && s.by != m.opener {
		m.assignee = s.by
	}
}

// command has somebody claim, release or assign.
func (m *turnModel) command(t *rapid.T) {
	var groups []spot
	for _, s := range m.spots() {
		if s.chat != s.by {
			groups = append(groups, s)
		}
	}
	s := rapid.SampledFrom(groups).Draw(t, "who")
	text := rapid.SampledFrom([]string{"/claim", "/claim", "/release", "/assign @bob_eng"}).Draw(t, "command")
	m.d.awaitAnswer(m.d.say(s.by, s.chat, s.thread, text), "")
	if m.closed || m.side(s) != "desk" && s.by != m.assignee || s.by == m.opener { // whoever has it may give it away, whatever their side is now
		return
	}
	switch {
	case text == "/release":
		m.assignee = 0
	case text == "/claim":
		m.assignee = cmp.Or(m.assignee, s.by)
	case m.linked() || m.bobs || s.by == m.d.bob:
		m.assignee = m.d.bob
	}
}

func (m *turnModel) step(t *rapid.T) {
	d, k := m.d, m.k
	switch step := rapid.SampledFrom(strings.Fields(`say say say say say say command command command edit delete
		react close reopen link unlink restart`)).Draw(t, "step"); step {
	case "say":
		m.say(t)
	case "command":
		m.command(t)
	case "edit", "delete", "react":
		if len(m.said) == 0 {
			return
		}
		msg := rapid.SampledFrom(m.said).Draw(t, "message")
		if d.said(msg).Deleted || m.closed || msg.Chat == d.engineering && m.left {
			return
		}
		switch step {
		case "edit":
			m.n++
			text := fmt.Sprintf("word %d, edited", m.n)
			d.edit(msg, text)
			d.eventually("it is edited", func() bool { return d.said(msg).Text == text })
		case "delete":
			d.reply(msg.From.ID, msg.Chat, msg, "/delete")
			d.awaitDeleted(msg)
		case "react":
			emoji := rapid.SampledFrom([]string{"👍", "👀", ""}).Draw(t, "emoji")
			d.must(d.sim.React(msg.From.ID, msg.Chat, msg.ID, emoji))
			d.await("every update is confirmed", func() bool { return d.sim.Pending() == 0 }) // what comes next claims after it
			key := fmt.Sprint(msg.Chat, "/", msg.ID)
			claims := emoji == "👀" && m.reacted[key] != emoji && msg.From.ID != m.opener
			if claims && m.side(spot{msg.From.ID, msg.Chat, msg.Thread}) == "desk" {
				m.assignee = cmp.Or(m.assignee, msg.From.ID)
			}
			m.reacted[key] = emoji
		}
	case "close":
		closed := "closed"
		asks[*messages.Reply](d, messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Status: &closed})
		m.closed, m.whom, m.since = true, "nobody", time.Time{}
	case "reopen":
		before := d.clock.Now().Truncate(time.Millisecond)
		open := "open"
		asks[*messages.Reply](d, messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Status: &open})
		if !m.closed {
			return
		}
		m.closed, m.whom = false, "desk"
		if m.since = d.record(k).WaitingSince; m.since.Before(before) {
			t.Fatalf("reopened after %s, it waits since %s", before, m.since)
		}
		d.quiet(k) // the topics are open again
	case "link":
		if m.eng == 0 && !m.closed {
			m.eng = d.mention(d.ann, k, "@bob_eng", d.engineering)
		}
	case "unlink":
		if m.linked() && !m.closed {
			d.say(d.bob, d.engineering, m.eng, "/unlink")
			d.awaitText(d.support, k.thread, "ended the link")
			m.left = true
			if m.assignee == d.bob || m.assignee == d.dora && m.doras {
				m.assignee = 0 // they no longer see the ticket
			}
		}
	case "restart":
		d.restart()
	}
}

func (m *turnModel) check(t *rapid.T) {
	shown := m.d.shown(m.k.id)
	since, assignee := int64(0), ""
	if !m.since.IsZero() {
		since = m.since.UnixMilli()
	}
	if m.assignee != 0 {
		assignee = itoa64(m.assignee)
	}
	if shown.WaitingFor != m.whom || shown.WaitingSinceMs != since || shown.Assignee.GetId() != assignee {
		t.Fatalf("it waits for %s since %d and is %q's, want %s since %d and %q\n%s", shown.WaitingFor, shown.WaitingSinceMs,
			shown.Assignee.GetId(), m.whom, since, assignee, m.d.transcript())
	}
}

// TestTurnModel compares random histories of a ticket with a simple model of whose turn it is, and whose ticket.
func TestTurnModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long: random desks, compared with a model step by step")
	}
	t.Parallel()
	checks, most := 0, 6
	if long() {
		most = 100
	}
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > most {
			return // the other ones of rapid's 100 are for the long run
		}
		d := ready(t, options{speed: 50, slowed: patientWithGroups})
		defer d.stop()
		d.mayDelete(d.support, d.engineering)
		d.asksAfterClosing()
		m := &turnModel{d: d, whom: "desk", reacted: map[string]string{}}
		switch rapid.SampledFrom([]string{"member", "administrator", "private"}).Draw(rt, "opened by") {
		case "member":
			m.opener, m.k = d.eve, d.open(d.eve, d.support, "Printer")
		case "administrator":
			m.opener, m.k = d.ann, d.open(d.ann, d.support, "Printer")
		default:
			m.opener, m.private, m.k = d.eve, true, d.openPrivately(d.eve, d.support, "Printer")
		}
		m.since = d.record(m.k).CreatedAt
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			m.step(rt)
			m.check(rt)
		}
		d.quiet(m.k)
		d.eventually("it is written down", func() bool {
			r := d.record(m.k)
			return r.WaitingSince.Equal(m.since) && (r.WaitingFor == m.whom || m.closed) && r.AssigneeID() == d.shown(m.k.id).Assignee.GetId()
		})
		if m.closed {
			return
		}
		page, err := d.store.ListTickets(t.Context(), storage.TicketQuery{WaitingFor: m.whom, By: storage.ByWaiting, Limit: 2})
		d.must(err)
		if len(page.Tickets) != 1 {
			rt.Fatalf("%d tickets are listed", len(page.Tickets))
		}
	})
}
