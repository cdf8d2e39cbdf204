package desk

import (
	"slices"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// enclosuresKept is how many enclosures a record keeps, with those that the description has no more. At the limit nothing is
// added any more, also by an edit: that only takes out what was there.
const enclosuresKept = 300

// AddEnclosures adds enclosures to a ticket, each message's once. It returns those that are new.
func AddEnclosures(r *storage.Ticket, enclosures []*messages.Enclosure) (added []storage.Enclosure) {
	known := func(e *messages.Enclosure) bool {
		return slices.ContainsFunc(r.Enclosures, func(had storage.Enclosure) bool { return had.MessageID == e.MessageId })
	}
	had := EnclosuresOf(slices.DeleteFunc(slices.Clone(r.Enclosures), func(e storage.Enclosure) bool { return e.Gone }))
	fresh := messages.JoinEnclosures(had, slices.DeleteFunc(slices.Clone(enclosures), known), false)[len(had):]
	if len(r.Enclosures) >= enclosuresKept {
		fresh = nil
	}
	added = EnclosuresToStore(SplitCaptions(fresh))
	r.Enclosures = append(r.Enclosures[:len(r.Enclosures):len(r.Enclosures)], added...)
	r.Sources = slices.Clone(r.Sources)
	for i := range added {
		if id := added[i].MessageID; id != "" && SourceAt(r.Sources, id) < 0 {
			r.Sources = append(r.Sources, storage.Source{MessageID: id, Wordless: true})
		}
	}
	return added
}

// LacksEnclosures reports whether a topic does not show all enclosures yet.
func LacksEnclosures(r *storage.Ticket, topic *storage.Topic) bool {
	return NextEnclosure(r, topic) < len(r.Enclosures) && !messages.IsPrivate(topic.GroupID)
}

// EnclosureAlbum names the album that an enclosure belongs to; "" for none.
func EnclosureAlbum(e *storage.Enclosure) string {
	family := messages.AlbumOf(e.Kind)
	if e.MediaGroupID == "" || family == "" || messages.ShapeOf(EnclosureOf(e).Content) != messages.ShapeCaptioned {
		return ""
	}
	return e.MediaGroupID + "/" + family
}

// ShowEnclosures makes the call that posts the enclosures of a step.
func ShowEnclosures(op *messages.Operation, r *storage.Ticket, topic *storage.Topic, ref *messages.TopicStep) {
	var parts []*messages.SendCopyCall
	for i := range max(1, int(ref.Media)) {
		e := EnclosureOf(&r.Enclosures[int(ref.Medium)+i])
		parts = append(parts, &messages.SendCopyCall{Bare: true, ReplyTo: topic.CardMessageID, Content: e.Content})
	}
	if len(parts) > 1 {
		op.Call = &messages.Operation_SendAlbum{SendAlbum: &messages.SendAlbumCall{Parts: parts}}
		return
	}
	op.Call = &messages.Operation_SendCopy{SendCopy: parts[0]}
}

// CloneTicket returns a copy of a record whose lists can be appended to and changed.
func CloneTicket(r *storage.Ticket) *storage.Ticket {
	next := *r
	next.Links, next.Pending = slices.Clone(r.Links), slices.Clone(r.Pending)
	next.Events, next.Handled = slices.Clone(r.Events), slices.Clone(r.Handled)
	return &next
}
