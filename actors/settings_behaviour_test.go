package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	workhours "github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// buttons are the texts of a message's buttons.
func buttons(m simulator.Message) (texts []string) {
	for _, row := range m.Buttons {
		for _, b := range row {
			texts = append(texts, b.Text)
		}
	}
	return texts
}

// TestSettings: one message with the values of now, which its buttons change, for administrators.
func TestSettings(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	group := func() *storage.Group {
		t.Helper()
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		d.must(err)
		return g
	}
	asked := d.say(d.ann, d.support, 0, "/settings")
	m := d.awaitAnswer(asked, "Settings of Support")
	shows := func(part string) {
		t.Helper()
		d.await("a button "+part, func() bool {
			m, _ = d.sim.Message(m.Chat, m.ID)
			return strings.Contains(strings.Join(buttons(m), "\n"), part)
		})
	}
	d.run(t, "the values of now, in words", func(t *testing.T) {
		same(t, "buttons", buttons(m), []string{
			"🎫 Tickets can be opened here: yes", "👥 Who may open tickets in private: members",
			"🙋 Whoever answers first takes the ticket: yes", "💬 Icons of topics show the state: yes", "⏳ General lists what waits: no",
			"🔔 Messages on tickets that somebody has: with sound",
			"🕘 The team works: always", "⏱ An answer is due: after 4 h, urgent 1 h, high 2 h",
			"⌛ Quiet tickets close by themselves: no", "🟢 A message reopens tickets: for 7 days", "🗣 Language: each person's own",
		})
	})
	d.run(t, "members can't", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/settings"), "Only administrators can change the settings")
		if a := d.press(d.carl, m, "set:icons"); !strings.Contains(a.Text, "Only administrators") {
			t.Errorf("%q", a.Text)
		}
		if a := d.press(d.carl, m, "set:hours"); !strings.Contains(a.Text, "Only administrators") {
			t.Errorf("%q", a.Text)
		}
		if a := d.press(d.carl, m, "set:within"); !strings.Contains(a.Text, "Only administrators") {
			t.Errorf("%q", a.Text)
		}
		if group().NoIcons {
			t.Error("changed")
		}
	})
	d.run(t, "a button changes one, as the command does", func(t *testing.T) {
		d.press(d.ann, m, "set:icons")
		shows("Icons of topics show the state: no")
		d.press(d.ann, m, "set:autoclaim")
		shows("takes the ticket: no")
		d.press(d.ann, m, "set:public")
		shows("in private: everyone")
		if g := group(); !g.NoIcons || !g.ManualClaims || !g.Public {
			t.Errorf("%+v", g)
		}
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim"), "whoever answers a ticket first now takes care")
		d.press(d.ann, m, "set:public") // also shows what was changed elsewhere
		shows("takes the ticket: yes")
	})
	d.run(t, "a button goes through the choices, and what a command has set is none of them", func(t *testing.T) {
		d.press(d.ann, m, "set:autoclose:3d")
		shows("close by themselves: after 4 days, told after 3")
		d.press(d.ann, m, "set:reopen:14")
		shows("reopens tickets: for 14 days")
		if g := group(); g.AutoClose.After != 72*60 || g.AutoClose.Notice != 24*60 || *g.ReopenDays != 14 {
			t.Errorf("%+v", g)
		}
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclose 48h 12h"), "48 h, I now tell them that it closes by itself 12 h later")
		d.press(d.ann, m, "set:reopen:30")
		shows("close by themselves: /autoclose")
		d.press(d.ann, m, "set:autoclose:off")
		shows("close by themselves: no")
	})
	d.run(t, "what has many values opens what its command shows", func(t *testing.T) {
		d.press(d.ann, m, "set:hours")
		choice := d.awaitText(d.support, 0, "Support works always")
		same(t, "buttons", buttons(choice), buttons(d.awaitAnswer(d.say(d.ann, d.support, 0, "/hours"), "Support works always")))
		d.press(d.ann, choice, "hours:Mon-Fri 09:00-18:00 Europe/London")
		d.awaitText(d.support, 0, "Support now works Mon-Fri 09:00-18:00 Europe/London")
		d.press(d.ann, m, "set:within")
		d.awaitText(d.support, 0, "Support answers within this working time: urgent 1 h, high 2 h, normal 4 h, low 4 h")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/answer_within off"), "urgent never")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/answer_within urgent 90m"), "urgent 1 h 30 min")
		d.press(d.ann, m, "set:autoclose:3d")
		shows("The team works: Mon-Fri 09:00-18:00 Europe/London")
		shows("An answer is due: never, urgent 1 h 30 min\n")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/answer_within 6h"), "urgent 6 h")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/hours always"), "Support now works always")
		d.press(d.ann, m, "set:autoclose:7d")
		shows("An answer is due: after 6 h\n")
		shows("The team works: always")
	})
	d.run(t, "the language of the message follows", func(t *testing.T) {
		d.press(d.ann, m, "set:lang")
		shows("Language: English")
		d.press(d.ann, m, "set:lang")
		shows("ภาษา: ไทย")
		if m, _ = d.sim.Message(m.Chat, m.ID); !strings.Contains(m.Text, "การตั้งค่าของกลุ่ม Support") {
			t.Errorf("%q", m.Text)
		}
		d.press(d.ann, m, "set:lang")
		shows("Language: each person's own")
	})
	d.run(t, "closed for tickets, and open again", func(*testing.T) {
		d.press(d.ann, m, "set:tickets")
		shows("can be opened here: no")
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/create_ticket Printer"), "not registered")
		d.press(d.ann, m, "set:tickets")
		shows("can be opened here: yes")
	})
	d.run(t, "topics lose their icons when something happens, and get them again", func(*testing.T) {
		k := d.open(d.eve, d.support, "Lamp") // without icons
		if icon := d.topic(d.support, k.thread).Icon; icon != "" {
			t.Errorf("it opens with %q", icon)
		}
		d.press(d.ann, m, "set:icons")
		shows("Icons of topics show the state: yes")
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
		d.awaitIcon(d.support, k.thread, iconClaimed)
		d.press(d.ann, m, "set:icons")
		shows("Icons of topics show the state: no")
		d.say(d.carl, d.support, k.thread, "Any paper?")
		d.awaitIcon(d.support, k.thread, "")
		d.eventually("the ticket rests", func() bool { return resting(d.record(k)) })
	})
}

// TestProgramsSetWhatAdministratorsSet: commands and the buttons of /settings leave the same record of a group as one request of a program
// that names the same values, also for the tickets that follow from them.
func TestProgramsSetWhatAdministratorsSet(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	byHand, byProgram := d.open(d.eve, d.support, "Printer"), d.open(d.eve, d.sales, "Lamp")
	m := d.awaitAnswer(d.say(d.ann, d.support, 0, "/settings"), "Settings of Support")
	for _, setting := range []string{"icons", "autoclaim", "public", "waiting", "quiet", "autoclose:3d", "reopen:14", "lang"} {
		d.press(d.ann, m, "set:"+setting)
		m = d.awaitSettled(m)
	}
	for _, command := range []string{"/hours Mon-Sun 22:00-06:00 Asia/Bangkok", "/hours 2036-12-25 closed", "/hours 2036-12-31 9-12",
		"/answer_within urgent 30m high 2h normal 3h low off"} {
		d.awaitAnswer(d.say(d.ann, d.support, 0, command), "Support")
	}
	no, yes, hours, lang, days := false, true, "Mon-Sun 22:00-06:00 Asia/Bangkok", "en", int64(14)
	asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.sales), &messages.ChangeGroup{
		Origin: program(), Icons: &no, AutoClaim: &no, Public: &yes, WaitingList: &yes, QuietCopies: &yes, Lang: &lang, ReopenDays: &days, Hours: &hours,
		AutoClose:    &messages.AutoClose{After: 72 * 60, Notice: 24 * 60},
		Exceptions:   &messages.DaysApart{ByDate: map[string]string{"2036-12-25": "closed", "2036-12-31": "09:00-12:00"}},
		AnswerWithin: &messages.AnswerTimes{Urgent: 30, High: 120, Normal: 180},
	})
	settings := func(chat int64) string {
		g, err := d.store.Group(t.Context(), messages.GroupPlace(chat))
		d.must(err)
		text, err := json.MarshalIndent(storage.Group{NoIcons: g.NoIcons, ManualClaims: g.ManualClaims, Public: g.Public, NoWaitingList: g.NoWaitingList,
			QuietCopies: g.QuietCopies, Language: g.Language, ReopenDays: g.ReopenDays, AutoClose: g.AutoClose, Hours: g.Hours,
			HoursApart: g.HoursApart, AnswerWithin: g.AnswerWithin, SupportTopicsEnabled: g.SupportTopicsEnabled}, "", " ")
		d.must(err)
		return string(text)
	}
	if hand, program := settings(d.support), settings(d.sales); hand != program || !strings.Contains(hand, `"noIcons": true`) {
		t.Errorf("by hand:\n%s\nby a program:\n%s", hand, program)
	}
	works, err := workhours.Parse(hours, nil)
	d.must(err)
	for _, k := range []*ticket{byHand, byProgram} {
		d.awaitDue(k, works.Add(d.record(k).WaitingSince, 3*time.Hour))
	}
}

// awaitSettled is the message of /settings as it is once a press on it has been answered and it was edited.
func (d *desk) awaitSettled(m simulator.Message) simulator.Message {
	d.t.Helper()
	before := buttons(m)
	d.await("the message of the settings follows", func() bool {
		m, _ = d.sim.Message(m.Chat, m.ID)
		return !slices.Equal(buttons(m), before)
	})
	return m
}
