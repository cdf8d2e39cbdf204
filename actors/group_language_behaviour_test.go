package actors_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/topicdesk/topicdesk/simulator"
)

// thaiIn finds what of the bot's words in a thread is in Thai, buttons too.
func thaiIn(d *desk, chat int64, thread int) (words []string) {
	for _, m := range d.byBot(chat, thread) {
		texts := []string{m.Text}
		for _, row := range m.Buttons {
			for _, b := range row {
				texts = append(texts, b.Text)
			}
		}
		for _, text := range texts {
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Thai, r) }) {
				words = append(words, text)
			}
		}
	}
	return words
}

func TestGroupsHearTheirOwnLanguage(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	thai, err := d.sim.AddPerson(simulator.Person{FirstName: "Somchai", LanguageCode: "th"})
	d.must(err)
	d.must(d.sim.SetMember(d.support, thai.ID, simulator.Member))
	choice := d.awaitAnswer(d.say(thai.ID, thai.ID, 0, "/create_ticket Lamp"), "Lamp")
	d.press(thai.ID, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
	thread := d.topicNamed(d.support, "Lamp").Thread
	d.introduced(d.support, thread)
	linked := 0
	d.run(t, "a ticket from a private chat speaks its groups' language in their topics, over a restart too", func(t *testing.T) {
		d.say(d.carl, d.support, thread, "/mention @bob_eng")
		linked = d.topicNamed(d.engineering, "Lamp").Thread
		d.introduced(d.engineering, linked)
		d.awaitText(thai.ID, 0, "ทิกเก็ต")
		d.must(d.sim.Block(thai.ID, true))
		d.awaitText(d.support, thread, "Somchai has blocked me")
		d.restart()
		d.must(d.sim.Block(thai.ID, false))
		d.awaitText(d.support, thread, "Somchai can be reached again")
		d.say(thai.ID, thai.ID, 0, "/close_ticket ok")
		d.awaitText(thai.ID, 0, "ปิด")
		for chat, in := range map[int64]int{d.support: thread, d.engineering: linked} {
			d.awaitText(chat, in, "closed")
			same(t, "in Thai", thaiIn(d, chat, in), nil)
		}
	})
	d.run(t, "a ticket that is opened in a group speaks its language, too", func(t *testing.T) {
		d.awaitAnswer(d.say(thai.ID, d.support, 0, "/create_ticket Door"), "#2 Door")
		door := d.topicNamed(d.support, "Door").Thread
		d.introduced(d.support, door)
		same(t, "in Thai", thaiIn(d, d.support, door), nil)
	})
	d.run(t, "whoever gives a command there is answered in their own", func(t *testing.T) {
		d.awaitAnswer(d.say(thai.ID, d.support, 0, "/help"), "ใน")
	})
	d.run(t, "a group that a Thai administrator registers hears Thai of an English ticket", func(t *testing.T) {
		d.must(d.sim.SetMember(d.sales, thai.ID, simulator.Administrator))
		d.awaitAnswer(d.say(thai.ID, d.sales, 0, "/register"), "Sales")
		d.eventually("Thai is spoken there", func() bool {
			g, err := d.store.GroupByTelegramID(t.Context(), d.sales)
			return err == nil && g.Spoken == "th"
		})
		k := d.openPrivately(d.carl, d.sales, "Chair")
		if len(thaiIn(d, d.sales, k.thread)) == 0 {
			t.Error("all is in English")
		}
		same(t, "in Thai in private", thaiIn(d, d.carl, 0), nil)
	})
}
