package messages

import (
	"cmp"
	"crypto/rand"
	"hash/fnv"
	"strconv"
	"strings"
)

// Version tells the versions of one operation apart. A chat makes the call of the newest version that it knows, and
// of each version at most once.
type Version struct {
	Attempt   int64 // how often its owner has asked for it again
	Content   int64 // revision of what it shows
	Withdrawn bool  // it withdraws the version with the same attempt and content
}

// Compare orders the versions of one operation and returns -1, 0 or +1. A newer attempt comes after an older one,
// whatever they show. Within an attempt, newer content comes after older. A withdrawal comes after what it withdraws.
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

// Version returns the version of an operation that its owner enqueues.
func (x *Operation) Version() Version {
	return Version{x.GetAttempt(), x.GetContent(), x.GetWithdraw() != nil}
}

// Named names the version of an operation that its owner enqueues.
func (x *Operation) Named() *OperationVersion {
	return &OperationVersion{Id: x.GetId(), Attempt: x.GetAttempt(), Content: x.GetContent()}
}

// Version returns the version of the operation that is done.
func (x *Done) Version() Version { return Version{x.GetAttempt(), x.GetContent(), x.GetWithdrawn()} }

// Version returns the version of the operation that waits.
func (x *Suspended) Version() Version {
	return Version{Attempt: x.GetAttempt(), Content: x.GetContent()}
}

// DoneWith returns the message that reports an outcome to the operation's owner.
func (x *Operation) DoneWith(outcome *Outcome) *Done {
	v := x.Version()
	return &Done{
		OperationId: x.GetId(), Ref: x.GetRef(),
		Attempt: v.Attempt, Content: v.Content, Withdrawn: v.Withdrawn, Outcome: outcome,
	}
}

// SuspendedFor returns the message that tells the operation's owner why the operation waits.
func (x *Operation) SuspendedFor(why string) *Suspended {
	return &Suspended{OperationId: x.GetId(), Ref: x.GetRef(), Attempt: x.GetAttempt(), Content: x.GetContent(), Why: why}
}

// SetRef sets what the operation is to its owner, and the id that follows from it.
func (x *Operation) SetRef(ref *OperationRef) { x.Ref, x.Id = ref, ref.ID() }

// Known says whether this release knows what the operation is to its owner. It does not if the reference is missing, or
// was made by a newer release.
func (x *OperationRef) Known() bool { return x.GetWanted() != nil }

// ID returns the operation's id. Equal refs have the same id, different refs different ones; refs that are not Known
// have one each time. It is a key only: nobody parses it.
func (x *OperationRef) ID() string {
	switch ref := x.GetWanted().(type) {
	case *OperationRef_Pending:
		return ref.Pending.GetId()
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
	return "unknown/" + rand.Text()
}

func (x *TopicStep) id() string {
	id := x.GetTicketId() + "/" + x.GetTopicId()
	if x.GetGeneration() > 0 { // chats remember the calls for the deleted topic under the ids without it
		id += "@" + decimal(x.GetGeneration())
	}
	id += "/" + lower(x.GetKind())
	switch x.GetKind() {
	case TopicStep_CHECK:
		id += "/" + decimal(x.GetRevivals())
	case TopicStep_EDIT_CONTEXT:
		id += "/" + decimal(x.GetContextRevision())
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
