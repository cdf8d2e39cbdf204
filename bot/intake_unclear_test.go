package bot

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// TestLastWordIsRead: which ticket the desk spoke of last is read. A chat that is asked would start first, which is a write.
func TestLastWordIsRead(t *testing.T) {
	for name, word := range map[string]*messages.WordFound{
		"none":                      {Code: messages.Code_NOT_FOUND},
		"about the current ticket":  {Code: messages.Code_OK, TicketId: aTicket, MessageId: 40},
		"about another one, before": {Code: messages.Code_OK, TicketId: otherTicket, MessageId: 40},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			d.topics, d.word = map[string]string{"u5/0": aTicket}, word
			d.users[5] = &messages.UserView{Code: messages.Code_OK, SettledId: 40}
			var chats []proto.Message
			d.reply = func(to string, m proto.Message) (*messages.Reply, error) {
				if strings.HasPrefix(to, messages.KindChat+"/") {
					chats = append(chats, m)
				}
				return nil, nil
			}
			handle(t, testIntake(d), `{"update_id":7,"message":{"message_id":50,"date":1763900000,
				"chat":{"id":5,"type":"private"},"from":{"id":5,"first_name":"Ann"},"text":"It blinks"}}`)
			if len(chats) > 0 {
				t.Errorf("the chat was asked %v", chats)
			}
			if sent := d.take(); len(sent) != 1 || sent[0].To != "ticket/"+aTicket {
				t.Errorf("sent %v", sent)
			}
		})
	}
}
