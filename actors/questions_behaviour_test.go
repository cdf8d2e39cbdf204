package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// became waits until a question says what came of it, and has no buttons any more.
func (d *desk) became(asked simulator.Message, text string) {
	d.t.Helper()
	d.await("the question becomes "+text, func() bool {
		m, _ := d.sim.Message(asked.Chat, asked.ID)
		return strings.HasPrefix(m.Text, text) && len(m.Buttons) == 0
	})
}

func TestAnsweredQuestionsSaySo(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	printer, scanner := betweenTwo(t, d)
	d.run(t, "which ticket is meant", func(*testing.T) {
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "The one on floor 2"), unclear)
		d.press(d.ann, asked, "mean:"+printer.id)
		d.became(asked, "✅ Sent to #1 Printer.")
	})
	d.run(t, "one about a command does not say that it was sent", func(*testing.T) {
		d.speak(scanner, "Is the scanner done?")
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/close_ticket it works"), unclear)
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.became(asked, "✅ Taken for #2 Scanner.")
		d.awaitText(d.support, scanner.thread, "closed this ticket")
	})
	d.run(t, "of a closed ticket the same question asks what to do", func(*testing.T) {
		d.speak(printer, "And the printer?")
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Thank you"), unclear)
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.await("it asks about the closed ticket", func() bool {
			m, _ := d.sim.Message(d.ann, asked.ID)
			return strings.Contains(m.Text, "Not passed on: ticket #2 Scanner")
		})
		d.press(d.ann, asked, "sayc:"+scanner.id)
		d.became(asked, "✅ Sent to #2 Scanner.")
	})
	d.run(t, "a command that is none, in private and in a topic", func(*testing.T) {
		spoken := d.awaitText(d.ann, 0, "And the printer?")
		asked := d.awaitAnswer(d.reply(d.ann, d.ann, spoken, "/etc is full"), "I don't know /etc")
		d.press(d.ann, asked, "asis:")
		d.became(asked, "✅ /etc is taken as a message")
		asked = d.awaitAnswer(d.say(d.carl, d.support, printer.thread, "/prority high"), "Did you mean /priority?")
		d.press(d.carl, asked, "instead:")
		d.became(asked, "✅ /prority is taken as /priority.")
	})
}
