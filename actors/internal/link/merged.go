package link

import (
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// mergedCall updates a message that several copies share.
func (n *lane) mergedCall(said *storage.Message, stored *storage.Copy) *messages.Operation_EditMerged {
	return &messages.Operation_EditMerged{EditMerged: &messages.EditMergedCall{
		MessageId: stored.Parts[0], TopicId: n.topicID, Own: said.MessageID, Ended: n.changedSinceEnd(said)}}
}

// takeOut takes a message that is hidden now out of the merged message that shows it.
func (n *lane) takeOut(op *messages.Operation, said *storage.Message, stored *storage.Copy) {
	if more := stored.Parts[1:]; len(more) > 0 {
		op.SetRef(n.changeRef(messages.CopyChange_SHRINK, said.MessageID, 0))
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: more}}
		return
	}
	op.SetRef(n.changeRef(messages.CopyChange_DELETE, said.MessageID, 0))
	op.Call = n.mergedCall(said, stored)
}
