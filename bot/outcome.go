package bot

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnauthorized is Telegram's 401, and its 404: there is no such bot.
	ErrUnauthorized = errors.New("the bot token is not valid")
	// ErrConflict is Telegram's 409.
	ErrConflict = errors.New("the updates go to another program that polls, or to a webhook")
)

// APIError is a call that did not succeed. Its texts contain neither the token nor a URL.
type APIError struct {
	Method      string
	Status      int           // error_code, or the HTTP status; 0: no answer at all
	Description string        // Telegram's, or why there is no answer
	RetryAfter  time.Duration // with 429; 0: unknown
	MigrateTo   int64         // the group's new chat id
	Sent        bool          // Telegram may have received the request
	Broken      bool          // there was an answer, but it could not be read: the call may have succeeded
	Cause       error         // context.Canceled or context.DeadlineExceeded, if that is the reason
}

func (e *APIError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s", e.Method, e.Description)
	}
	return fmt.Sprintf("%s: %d %s", e.Method, e.Status, e.Description)
}

func (e *APIError) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrUnauthorized) and errors.Is(err, ErrConflict) work.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return !e.Broken && (e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound)
	case ErrConflict:
		return e.Status == http.StatusConflict
	}
	return false
}

// Parts of Telegram's descriptions of errors, in lower case, and what they mean. Those with spaces come from the Bot
// API server, the others from Telegram's core (core.telegram.org/api/errors). Within a list the order does not
// matter; between lists it is the order in which outcomeOf looks.
var (
	saysDone = []string{"message is not modified", "message_not_modified", "topic_not_modified", "chat_not_modified",
		"message to delete not found", "poll has already been closed"}

	saysTopicDeleted = []string{
		"message thread not found", "topic_deleted", "topic_id_invalid", "topic not found", "thread not found",
	}

	saysTopicClosed = []string{"topic_closed", "topic closed"}

	saysForbidden = []string{
		"not enough rights", "no rights to send", "chat_write_forbidden", "chat_admin_required",
		"need administrator rights", "must be an administrator", "chat_restricted", "chat_guest_send_forbidden",
		"user_banned_in_channel", "channel_private", "chat not found", "chat_not_found",
		"group chat was deactivated", "group chat was deleted", "user is deactivated", "user_deactivated",
		"user_is_blocked", "input_user_deactivated", "bot was kicked", "bot was blocked", "bot is not a member",
		"bot can't initiate conversation", "peer_id_invalid", "have no write access", "_forbidden",
		"chat is not a forum", "channel_forum_missing", "chat_forum_missing",
	}
	// Among those of saysForbidden: the chat has no topics.
	saysNoForum = []string{"not a forum", "forum_missing"}

	// The group does not let the bot post this kind of message; it may still post others.
	saysKindRefused = regexp.MustCompile(`(?i)not enough rights to send (?:[a-z ]+ )?` +
		`(?:audios?|documents?|photos?|videos?|video notes?|voice (?:notes?|messages?)|polls?|` +
		`stickers?|animations?|gifs?|games?|dice|contacts?|locations?|venues?|media|inline)\b|` +
		`chat_send_(?:audios|docs|gifs|inline|media|photos|polls|roundvideos|stickers|videos|voices|game|poll|` +
		`webpage)_forbidden|voice_messages_forbidden|user_restricted_voice`)

	// Among those of saysForbidden: a 400 that means that the bot can't write there at all.
	saysNothingAllowed = []string{
		"send text messages", "rights to send a message", "chat_write_forbidden", "chat_restricted",
		"chat_guest_send_forbidden", "user_banned_in_channel", "channel_private", "chat not found", "chat_not_found",
		"deactivated", "was deleted", "is_blocked", "bot was kicked", "bot was blocked", "not a member",
		"can't initiate", "peer_id_invalid", "have no write access", "chat_send_plain_forbidden",
	}
	// Of a 403: one action is forbidden, not writing.
	saysOneKindForbidden = []string{"manage topics", "create a topic", "pinned messages", "to pin", "to react"}

	saysQuoteRefused = []string{"quote"}
	saysReplyRefused = []string{
		"message to be replied not found", "replied message not found", "message to reply not found",
		"reply message not found", "reply_message_id_invalid", "reply_to_invalid",
	}
	saysMarkupRefused  = []string{"entity", "entities", "custom emoji"}
	saysPreviewRefused = []string{"webpage", "web page", "link preview", "wc_convert_url_invalid"}
	saysEffectRefused  = []string{"effect"}
	saysIconRefused    = []string{"icon", "emoji", "document_invalid"}
)

// says says whether a description contains one of the phrases.
func says(description string, phrases []string) bool {
	description = strings.ToLower(description)
	for _, p := range phrases {
		if strings.Contains(description, p) {
			return true
		}
	}
	return false
}

func (e *APIError) quoteRefused() bool {
	return e.Status == http.StatusBadRequest && says(e.Description, saysQuoteRefused)
}

func (e *APIError) replyRefused() bool {
	return e.Status == http.StatusBadRequest && says(e.Description, saysReplyRefused)
}

func (e *APIError) markupRefused() bool {
	return e.Status == http.StatusBadRequest && says(e.Description, saysMarkupRefused)
}

func (e *APIError) previewRefused() bool {
	return (e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden) && says(e.Description, saysPreviewRefused)
}

func (e *APIError) effectRefused() bool {
	return e.Status == http.StatusBadRequest && says(e.Description, saysEffectRefused)
}

func (e *APIError) iconRefused() bool {
	return e.Status == http.StatusBadRequest && says(e.Description, saysIconRefused)
}

// richRefused says whether Telegram refused a rich message for what it is. A server older than rich messages does not
// know the method, or misses the text.
func (e *APIError) richRefused() bool {
	switch e.Status {
	case http.StatusNotFound:
		return true
	case http.StatusBadRequest:
		if e.MigrateTo != 0 {
			return false
		}
		why := refused(e.Description)
		return why == messages.Outcome_REJECTED ||
			why == messages.Outcome_FORBIDDEN && !says(e.Description, saysNothingAllowed)
	}
	return false
}

// outcomeOf returns the outcome of a failed call. A repeatable call has the same effect when it is made twice, so for
// one with a lost answer the outcome is transient, not unknown.
func outcomeOf(e *APIError, repeatable bool) *messages.Outcome {
	out := &messages.Outcome{Description: e.Description}
	switch {
	case e.Status == 0, e.Broken:
		out.Result = lost(e, repeatable)
	case e.Status == http.StatusTooManyRequests:
		out.Result = messages.Outcome_TRANSIENT
		if wait := e.retryAfter(); wait > 0 {
			out.Result, out.RetryAfterMs = messages.Outcome_FLOOD, wait.Milliseconds()
		}
	case e.MigrateTo != 0:
		out.Result, out.NewChatId = messages.Outcome_MIGRATED, e.MigrateTo
	case e.Status == http.StatusForbidden:
		out.Result = messages.Outcome_FORBIDDEN
		out.ChatWide = !says(e.Description, saysOneKindForbidden) && !saysKindRefused.MatchString(e.Description)
	case e.Status == http.StatusGatewayTimeout:
		out.Result = lost(e, repeatable) // a proxy gave up waiting for Telegram
	case e.Status >= 500, e.Status < 400,
		e.Status == http.StatusUnauthorized, e.Status == http.StatusNotFound, e.Status == http.StatusConflict:
		out.Result = messages.Outcome_TRANSIENT
	default:
		out.Result = refused(e.Description)
		out.ChatWide = out.Result == messages.Outcome_FORBIDDEN && says(e.Description, saysNothingAllowed)
	}
	return out
}

// lost is the outcome of a call whose answer did not come, or can't be read.
func lost(e *APIError, repeatable bool) messages.Outcome_Result {
	switch {
	case repeatable, !e.Sent:
		return messages.Outcome_TRANSIENT
	case e.Broken && e.Status >= 400 && e.Status != http.StatusGatewayTimeout:
		return messages.Outcome_TRANSIENT // a proxy's error page: the call did not reach Telegram
	case e.Broken && e.Status >= 300 && e.Status < 400:
		return messages.Outcome_TRANSIENT
	}
	return messages.Outcome_UNKNOWN
}

// refused returns the outcome of a 400, by its description.
func refused(description string) messages.Outcome_Result {
	switch {
	case says(description, saysDone):
		return messages.Outcome_DONE
	case says(description, saysTopicDeleted):
		return messages.Outcome_TOPIC_DELETED
	case says(description, saysTopicClosed):
		return messages.Outcome_TOPIC_CLOSED
	case saysKindRefused.MatchString(description):
		return messages.Outcome_REJECTED
	case says(description, saysForbidden):
		return messages.Outcome_FORBIDDEN
	}
	return messages.Outcome_REJECTED
}

var retryAfterText = regexp.MustCompile(`(?i)retry after (\d+)`)

// retryAfter returns how long Telegram asks to wait: as a parameter, or in the description where a server sends no
// parameter.
func (e *APIError) retryAfter() time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	if m := retryAfterText.FindStringSubmatch(e.Description); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
			return time.Duration(n) * time.Second
		}
	}
	return 0
}
