package messages

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"
)

// Version says which offer of an operation one is. A chat calls the newest that it knows, and each version once.
type Version struct {
	Attempt   int64 // how often its owner wanted it anew
	Content   int64 // revision of what it shows
	Withdrawn bool  // it takes back what has the same attempt and content
}

// Compare orders the versions of one operation: -1, 0 or +1. A newer attempt comes after an older one, whatever they
// show; of one attempt the newer content comes after the older; of one content its withdrawal comes last.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Attempt, w.Attempt), cmp.Compare(v.Content, w.Content),
		compareBool(v.Withdrawn, w.Withdrawn))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Before says whether v is older than w.
func (v Version) Before(w Version) bool { return v.Compare(w) < 0 }

// Version is that of an operation as it is offered.
func (x *Operation) Version() Version {
	return Version{x.GetAttempt(), x.GetContent(), x.GetWithdraw() != nil}
}

// Version is that of the operation which is done.
func (x *Done) Version() Version { return Version{x.GetAttempt(), x.GetContent(), x.GetWithdrawn()} }

// Version is that of the operation which waits.
func (x *Held) Version() Version { return Version{Attempt: x.GetAttempt(), Content: x.GetContent()} }

// DoneWith is what the operation's owner is told of an outcome.
func (x *Operation) DoneWith(outcome *Outcome) *Done {
	v := x.Version()
	return &Done{OperationId: x.GetId(), Ref: x.GetRef(), Attempt: v.Attempt, Content: v.Content, Withdrawn: v.Withdrawn,
		Outcome: outcome}
}

// HeldFor is what the operation's owner is told when it waits.
func (x *Operation) HeldFor(why string) *Held {
	return &Held{OperationId: x.GetId(), Ref: x.GetRef(), Attempt: x.GetAttempt(), Content: x.GetContent(), Why: why}
}

// SetRef says what the operation is to its owner, and gives it the id that follows from that.
func (x *Operation) SetRef(ref *OperationRef) { x.Ref, x.Id = ref, ref.ID() }

// ID is the id of the operation: one and the same for equal refs, another for any others. It is a key only.
func (x *OperationRef) ID() string {
	switch ref := x.GetWanted().(type) {
	case *OperationRef_Owed:
		return ref.Owed.GetId()
	case *OperationRef_CurrentTicket:
		return ref.CurrentTicket.GetId()
	case *OperationRef_TopicStep:
		return ref.TopicStep.id()
	case *OperationRef_MessageStep:
		return "said/" + ref.MessageStep.GetMessageId() + "/" + lower(ref.MessageStep.GetKind())
	case *OperationRef_CopyPart:
		p := ref.CopyPart
		return "copy/" + p.GetMessageId() + "/" + p.GetTopicId() + "/" + decimal(p.GetPart())
	case *OperationRef_CopyAlbum:
		a := ref.CopyAlbum
		return "album/" + a.GetMessageId() + "/" + a.GetTopicId() + "/" + decimal(a.GetParts())
	case *OperationRef_CopyChange:
		c := ref.CopyChange
		return lower(c.GetKind()) + "/" + c.GetMessageId() + "/" + c.GetTopicId() + "/" + decimal(c.GetPart())
	case *OperationRef_Failure:
		return "failed/" + ref.Failure.GetMessageId() + "/" + ref.Failure.GetTopicId()
	case *OperationRef_Question:
		return ref.Question.id()
	}
	return ""
}

func (x *TopicStep) id() string {
	id := x.GetTicketId() + "/" + x.GetTopicId()
	if x.GetGeneration() > 0 { // chats remember what they did for the topic that was deleted
		id += "@" + decimal(x.GetGeneration())
	}
	id += "/" + lower(x.GetKind())
	switch x.GetKind() {
	case TopicStep_MEDIUM:
		id += "/" + decimal(x.GetMedium())
	case TopicStep_EDIT_CARD, TopicStep_CLOSE, TopicStep_REOPEN:
		id += "/" + decimal(x.GetCardRevision())
	case TopicStep_RENAME:
		h := fnv.New32a()
		_, _ = h.Write([]byte(x.GetName()))
		id += "/" + decimal(x.GetCardRevision()) + "/" + strconv.FormatUint(uint64(h.Sum32()), 36)
	}
	return id
}

func (x *GroupQuestion) id() string {
	id := x.GetGroupId() + "/" + lower(x.GetAbout())
	if x.GetAbout() == GroupQuestion_MEMBER {
		id += "/" + decimal(x.GetUserId())
	}
	return id
}

func lower(name interface{ String() string }) string { return strings.ToLower(name.String()) }

func decimal[N int32 | int64](n N) string { return strconv.FormatInt(int64(n), 10) }
