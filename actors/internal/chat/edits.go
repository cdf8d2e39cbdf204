package chat

import (
	"crypto/sha256"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Telegram refuses an edit that changes nothing. A chat is the only place from which its messages are edited, so it knows
// of the latest ones how they were edited last, and does not make the same edit twice: two people use one keyboard, or an
// edit is taken back before it was shown. After a restart it knows none, and a needless edit is refused; the client
// takes that as done.

// lastEdit is the latest edit of a message.
type lastEdit struct {
	digest  string
	outcome string // encoded
}

// editedIn returns the message that a call edits; 0: it edits none.
func editedIn(op *messages.Operation) int64 {
	switch call := op.GetCall().(type) {
	case *messages.Operation_EditCopy:
		return call.EditCopy.GetMessageId()
	case *messages.Operation_EditMerged:
		return call.EditMerged.GetMessageId()
	case *messages.Operation_EditCard:
		return call.EditCard.GetMessageId()
	case *messages.Operation_EditContext:
		return call.EditContext.GetMessageId()
	case *messages.Operation_EditNotice:
		return call.EditNotice.GetMessageId()
	case *messages.Operation_EditKeyboard:
		return call.EditKeyboard.GetMessageId()
	}
	return 0
}

// editDigest tells apart what edits make of a message; "": the call edits none.
func editDigest(op *messages.Operation, lang string) string {
	if editedIn(op) == 0 {
		return ""
	}
	of := &messages.Operation{Call: op.Call, Lang: lang}
	if e := op.GetEditCopy(); e != nil { // what it replaces decides only by which method
		own := proto.CloneOf(e)
		own.Former = nil
		of.Call = &messages.Operation_EditCopy{EditCopy: own}
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(of)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// editedSo returns the outcome of the same edit if it was the latest one of its message. nil: it was not, and is made;
// until its outcome is known, nothing is.
func (c *chat) editedSo(op *messages.Operation, digest string) *messages.Outcome {
	if last, known := c.edits.Get(editedIn(op)); known && digest != "" && digest == last.digest {
		outcome := &messages.Outcome{}
		err := proto.Unmarshal([]byte(last.outcome), outcome)
		if err == nil {
			return outcome
		}
		c.Log.Error("the outcome of an edit can't be recalled; it is made again", "operation", op.Id, "error", err)
	}
	c.forgetEdit(op)
	return nil
}

// noteEdit remembers how a message was edited. An edit that failed may have been made all the same.
func (c *chat) noteEdit(m called) {
	if m.edit == "" || m.outcome.Result != messages.Outcome_DONE {
		return
	}
	if encoded, err := proto.Marshal(m.outcome); err == nil {
		c.edits.Put(editedIn(m.op), lastEdit{m.edit, string(encoded)})
	}
}

// forgetEdit forgets how a message was edited last: another edit is under way, or one from before a load has come late.
func (c *chat) forgetEdit(op *messages.Operation) {
	if id := editedIn(op); id != 0 {
		c.edits.Put(id, lastEdit{})
	}
}
