package actors_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

func TestStartAndHelp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.run(t, "start in private greets, registers the person, says what to do next", func(t *testing.T) {
		m := d.say(d.ann, 0, 0, "/start")
		a := d.awaitAnswer(m, "Hello Ann")
		if !strings.Contains(a.Text, "/default_group") {
			t.Error(a.Text)
		}
		u, err := d.store.User(t.Context(), d.ann)
		d.must(err)
		if u.Username != "ann" || u.FirstName != "Ann" || u.Language != "en" {
			t.Errorf("%+v", u)
		}
	})
	d.run(t, "start in a group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, 0, "/start@"+d.sim.BotUsername()), "Engineering")
	})
	d.run(t, "help lists the commands of the place", func(t *testing.T) {
		for place, want := range map[int64][2]string{
			0: {"/tickets", "/mention"}, d.engineering: {"/create_ticket", "/close_ticket"},
		} {
			a := d.awaitAnswer(d.say(d.bob, place, 0, "/help"), want[0])
			if strings.Contains(a.Text, want[1]) {
				t.Errorf("in %d: %q", place, a.Text)
			}
		}
		d.say(d.bob, d.engineering, 0, "/register")
		d.awaitText(d.engineering, 0, "is registered")
		k := d.open(d.bob, d.engineering, "Help me")
		a := d.awaitAnswer(d.say(d.bob, d.engineering, k.thread, "/help"), "/close_ticket")
		if strings.Contains(a.Text, "/register") || !strings.Contains(a.Text, "/tickets") || !strings.Contains(a.Text, "/lang") {
			t.Errorf("%q", a.Text)
		}
		a = d.awaitAnswer(d.say(d.bob, d.engineering, 0, "/start"), "/create_ticket")
		if strings.Contains(a.Text, "an administrator sends /register") {
			t.Errorf("a registered group is asked to register: %q", a.Text)
		}
	})
	d.run(t, "a changed name is noticed", func(t *testing.T) {
		_, err := d.sim.AddPerson(simulator.Person{ID: d.ann, FirstName: "Anna", Username: "anna", LanguageCode: "en"})
		d.must(err)
		d.say(d.ann, d.support, 0, "/help")
		d.eventually("Ann is Anna", func() bool {
			u, err := d.store.User(t.Context(), d.ann)
			return err == nil && u.FirstName == "Anna" && u.Username == "anna"
		})
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	record := func(chat int64) *storage.Group {
		g, err := d.store.GroupByTelegramID(t.Context(), chat)
		if errors.Is(err, storage.ErrNotFound) {
			return &storage.Group{}
		}
		d.must(err)
		return g
	}
	d.run(t, "added as administrator with rights: registered", func(t *testing.T) {
		g, err := d.sim.AddGroup(simulator.Group{Title: "New", Forum: true})
		d.must(err)
		d.must(d.sim.SetMember(g.ID, d.ann, simulator.Creator))
		d.must(d.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
		d.awaitText(g.ID, 0, "New is registered")
		r := record(g.ID)
		if !r.SupportTopicsEnabled || !r.IsForum || !r.BotIsAdmin || !r.CanManageTopics || r.CanPinMessages ||
			r.Title != "New" || r.Type != "supergroup" {
			t.Errorf("%+v", r)
		}
		d.run(t, "removed: marked so", func(t *testing.T) {
			d.must(d.sim.SetBot(g.ID, simulator.Kicked, simulator.BotRights{}))
			d.eventually("marked", func() bool {
				r := record(g.ID)
				return r.BotStatus == "kicked" && !r.BotIsAdmin && !r.CanManageTopics
			})
		})
		d.run(t, "added again: told again", func(t *testing.T) {
			before := len(d.byBot(g.ID, 0))
			d.must(d.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
			d.await("a second word", func() bool { return len(d.byBot(g.ID, 0)) == before+1 })
			if r := record(g.ID); r.BotStatus != "administrator" || !r.SupportTopicsEnabled {
				t.Errorf("%+v", r)
			}
		})
	})
	d.run(t, "added as member: what is missing is explained, then mended", func(t *testing.T) {
		g, err := d.sim.AddGroup(simulator.Group{Title: "Weak", Forum: true})
		d.must(err)
		d.must(d.sim.SetMember(g.ID, d.ann, simulator.Creator))
		d.must(d.sim.SetBot(g.ID, simulator.Member, simulator.BotRights{}))
		a := d.awaitText(g.ID, 0, "right to manage topics")
		if !strings.Contains(a.Text, "Make me an administrator") {
			t.Error(a.Text)
		}
		d.awaitAnswer(d.say(d.ann, g.ID, 0, "/create_ticket too early"), "right to manage topics")
		d.must(d.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
		d.awaitText(g.ID, 0, "Weak is registered")
		d.open(d.ann, g.ID, "now it works")
	})
	d.run(t, "a group without topics", func(t *testing.T) {
		g, err := d.sim.AddGroup(simulator.Group{
			Title: "Flat", Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true},
		})
		d.must(err)
		d.must(d.sim.SetMember(g.ID, d.ann, simulator.Creator))
		a := d.awaitAnswer(d.say(d.ann, g.ID, 0, "/register"), "topics are off")
		if !strings.Contains(a.Text, "Switch on Topics") {
			t.Error(a.Text)
		}
		d.awaitAnswer(d.say(d.ann, g.ID, 0, "/create_ticket no"), "topics are off")
		if r := record(g.ID); r.IsForum || !r.SupportTopicsEnabled {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "an unregistered group is told to register", func(t *testing.T) {
		for _, text := range []string{"/create_ticket early", "/default_group", "/lang th"} {
			d.awaitAnswer(d.say(d.ann, d.support, 0, text), "not registered yet")
		}
	})
	d.run(t, "register by somebody who is no administrator is refused", func(t *testing.T) {
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/register"), "Only administrators")
		if r := record(d.support); r.SupportTopicsEnabled {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "register by an administrator, also an anonymous one, and again", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.ann, Chat: d.support, Text: "/register", Anonymous: true})
		d.awaitAnswer(m, "Support is registered.")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/register"), "is registered already")
	})
	d.run(t, "default group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/default_group"), "Eve, tickets")
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/default_group"), "default group already")
		asked := d.post(simulator.Post{From: d.ann, Chat: d.support, Text: "/default_group", Anonymous: true})
		d.awaitAnswer(asked, "anonymous")
		u, err := d.store.User(t.Context(), d.eve)
		d.must(err)
		if u.DefaultGroupID != record(d.support).GroupID {
			t.Errorf("%+v", u)
		}
	})
	d.run(t, "commands for groups in private, and for topics outside of them", func(t *testing.T) {
		for _, text := range []string{"/register", "/default_group", "/public"} {
			d.awaitAnswer(d.say(d.ann, 0, 0, text), "works only in a group")
		}
		for _, text := range []string{
			"/close_ticket", "/mention bob", "/priority low", "/pending", "/reopen_ticket", "/ticket",
		} {
			d.awaitAnswer(d.say(d.ann, d.support, 0, text), "can't be used here")
		}
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/unlink"), "No ticket is linked here")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/link TICK-LK3F9A2B-1A2B3C4D"), "works only in a topic")
	})
	d.run(t, "commands for another bot, and unknown ones, are left alone", func(t *testing.T) {
		before := len(d.byBot(d.support, 0))
		d.say(d.ann, d.support, 0, "/help@other_bot")
		d.say(d.ann, d.support, 0, "/whatever")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "/create_ticket")
		if n := len(d.byBot(d.support, 0)); n != before+1 {
			t.Errorf("%d answers", n-before)
		}
	})
}

func TestMigration(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Moves house")
	e := d.mention(d.ann, k, "bob_eng", d.engineering)
	moved, err := d.sim.Migrate(d.engineering)
	d.must(err)
	d.say(d.ann, d.support, k.thread, "after the move")
	d.awaitText(moved, e, "after the move")
	d.say(d.bob, moved, e, "we have a new id")
	d.awaitText(d.support, k.thread, "we have a new id")
	g, err := d.store.GroupByTelegramID(t.Context(), d.engineering)
	d.must(err)
	if g.TelegramGroupID != moved || len(g.FormerIDs) != 1 {
		t.Errorf("%+v", g)
	}
}

// TestMissingRights: the bot says which rights some features need, when it is registered and when they fail.
func TestMissingRights(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/register"), "as an administrator I also need Delete Messages (/delete).")
	k := d.open(d.ann, d.support, "Printer")
	said := d.say(d.carl, d.support, k.thread, "wrong number")
	d.quiet(k)
	command := d.reply(d.carl, d.support, said, "/delete")
	d.awaitAnswer(command, "could not be deleted in Support: I don't have the right Delete Messages")
	d.mayDelete(d.support)
	answer := d.awaitAnswer(d.say(d.ann, d.support, 0, "/register"), "is registered already")
	if strings.Contains(answer.Text, "I also need") {
		t.Errorf("it says %q", answer.Text)
	}
	d.run(t, "each right that is missing is named, and the README names them, too", func(t *testing.T) {
		bare := d.group("Bare", map[int64]simulator.Role{d.carl: simulator.Creator})
		d.must(d.sim.SetBot(bare, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
		d.awaitAnswer(d.say(d.carl, bare, 0, "/register"), "I also need Delete Messages (/delete) and Pin Messages.")
		readme, err := os.ReadFile("../README.md")
		d.must(err)
		for _, right := range []string{"*Delete messages* (for `/delete`)", "*Pin messages* (for cards)"} {
			if !strings.Contains(string(readme), right) {
				t.Errorf("the README does not name %s", right)
			}
		}
	})
	d.awaitAnswer(d.say(d.carl, d.sales, 0, "/lang th"), "ภาษา")
	answer = d.awaitAnswer(d.say(d.carl, d.sales, 0, "/register"), "ลบข้อความ (Delete Messages)")
	if strings.Contains(answer.Text, "Pin Messages") {
		t.Errorf("it says %q", answer.Text)
	}
}
