package bot

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// kept counts how often the desk is asked to keep somebody.
func kept(d *fakeDesk) (n int) {
	for _, told := range d.told {
		if p, is := told.Message.(*messages.SaveProfile); is && !p.OnlyIfKnown {
			n++
		}
	}
	return n
}

func TestWhoGivesCommandsIsKept(t *testing.T) {
	d := newFake()
	in := testIntake(d)
	stranger := strings.Replace(inGeneral(`"text":"/help"`), "-1001", "-1009", 1)
	handle(t, in, stranger)
	if n := kept(d); n != 0 {
		t.Errorf("kept %d times for a command in a group that the desk does not know", n)
	}
	handle(t, in, inGeneral(`"text":"hello"`))
	for _, id := range []string{"51", "52", "53"} {
		handle(t, in, strings.Replace(inGeneral(`"text":"/help"`), `"message_id":50`, `"message_id":`+id, 1))
	}
	if n := kept(d); n != 1 {
		t.Errorf("kept %d times, want once", n)
	}
}
