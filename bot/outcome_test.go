package bot

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

func TestOutcomeOf(t *testing.T) {
	const (
		done      = messages.Outcome_DONE
		flood     = messages.Outcome_FLOOD
		migrated  = messages.Outcome_MIGRATED
		forbidden = messages.Outcome_FORBIDDEN
		gone      = messages.Outcome_TOPIC_DELETED
		closed    = messages.Outcome_TOPIC_CLOSED
		transient = messages.Outcome_TRANSIENT
		unknown   = messages.Outcome_UNKNOWN
		rejected  = messages.Outcome_REJECTED
	)
	client, err := NewClient(Options{Token: "1:secret"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status     int
		body       string
		once, many messages.Outcome_Result // of a call that must not be, and of one that may be repeated
	}{
		{429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`, flood, flood},
		{429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7"}`, flood, flood},
		{429, `{"ok":false,"error_code":429,"description":"Too Many Requests"}`, transient, transient},
		{429, `<html>slow down</html>`, transient, transient},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001997852516352}}`, migrated, migrated},
		{403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}`, forbidden, forbidden},
		{403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to create a topic"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_WRITE_FORBIDDEN"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send stickers to the chat"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send video notes to the chat"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send photos to the chat"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_SEND_ROUNDVIDEOS_FORBIDDEN"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: VOICE_MESSAGES_FORBIDDEN"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: the chat is not a forum"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: user is deactivated"}`, forbidden, forbidden},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: message thread not found"}`, gone, gone},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_DELETED"}`, gone, gone},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_ID_INVALID"}`, gone, gone},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_CLOSED"}`, closed, closed},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_NOT_MODIFIED"}`, done, done},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_NOT_MODIFIED"}`, done, done},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same"}`, done, done},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: message to edit not found"}`, rejected, rejected},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: query is too old and response timeout expired or query ID is invalid"}`, rejected, rejected},
		{413, `{"ok":false,"error_code":413,"description":"Request Entity Too Large"}`, rejected, rejected},
		{401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, transient, transient},
		{404, `{"ok":false,"error_code":404,"description":"Not Found"}`, transient, transient},
		{404, `<html>404</html>`, transient, transient},
		{409, `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}`, transient, transient},
		{500, `{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}`, transient, transient},
		{502, `<html><h1>502 Bad Gateway</h1></html>`, transient, transient},
		{503, ``, transient, transient},
		{504, `<html><h1>504 Gateway Time-out</h1></html>`, unknown, transient},
		{504, `{"ok":false,"error_code":504,"description":"Gateway Timeout"}`, unknown, transient},
		{302, ``, transient, transient},
		{200, `<html>sign in to the network</html>`, unknown, transient},
		{200, `{"ok":true,"result":`, unknown, transient},
		{200, `{"ok":true,"result":"what"}`, unknown, transient},
		{200, `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_CLOSED"}`, closed, closed},
	} {
		t.Run(c.body, func(t *testing.T) {
			fail := client.verdict(&exchange{status: c.status, body: []byte(c.body)}, methodSendMessage, &sentMessage{})
			if fail == nil {
				t.Fatal("taken for a success")
			}
			once, many := outcomeOf(fail, false), outcomeOf(fail, true)
			if once.Result != c.once || many.Result != c.many {
				t.Errorf("got %v and %v, want %v and %v", once.Result, many.Result, c.once, c.many)
			}
			if once.Description == "" {
				t.Error("no description")
			}
			if once.Result == flood && once.RetryAfterMs != 7000 {
				t.Errorf("retry after %d ms", once.RetryAfterMs)
			}
			if once.Result == migrated && once.NewChatId != -1001997852516352 {
				t.Errorf("migrated to %d", once.NewChatId)
			}
		})
	}
}

// A refusal may be about one kind of message, one right, or everything.
func TestForbiddenForTheWholeChat(t *testing.T) {
	for description, want := range map[string]bool{
		"Forbidden: bot was kicked from the supergroup chat":                   true,
		"Forbidden: bot is not a member of the supergroup chat":                true,
		"Forbidden: bot was blocked by the user":                               true,
		"Forbidden: CHAT_SEND_STICKERS_FORBIDDEN":                              false,
		"Bad Request: not enough rights to send text messages to the chat":     true,
		"Bad Request: have no rights to send a message":                        true,
		"Bad Request: CHAT_WRITE_FORBIDDEN":                                    true,
		"Bad Request: chat not found":                                          true,
		"Bad Request: not enough rights to send stickers to the chat":          false,
		"Bad Request: not enough rights to create a topic":                     false,
		"Bad Request: not enough rights to manage pinned messages in the chat": false,
		"Bad Request: the chat is not a forum":                                 false,
		"Bad Request: message is too long":                                     false,
	} {
		status := 400
		if strings.HasPrefix(description, "Forbidden") {
			status = 403
		}
		if got := outcomeOf(&APIError{Status: status, Description: description}, false); got.ChatWide != want {
			t.Errorf("%s: %v", description, got)
		}
	}
}

func TestOutcomeOfLostCalls(t *testing.T) {
	for _, c := range []struct {
		name       string
		left       int32
		err        error
		once, many messages.Outcome_Result
	}{
		{"before the request left", notSent, errors.New("connection refused"), messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
		{"while it was written", partSent, errors.New("broken pipe"), messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
		{"perhaps written", headSent, context.DeadlineExceeded, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT},
		{"after it left", allSent, context.DeadlineExceeded, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := NewClient(Options{Token: "1:secret"})
			x := &exchange{err: c.err}
			x.progress.Store(c.left)
			fail := client.verdict(x, methodSendMessage, nil)
			if got := outcomeOf(fail, false).Result; got != c.once {
				t.Errorf("got %v, want %v", got, c.once)
			}
			if got := outcomeOf(fail, true).Result; got != c.many {
				t.Errorf("repeatable: got %v, want %v", got, c.many)
			}
		})
	}
}
