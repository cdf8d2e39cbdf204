package link

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onGetStatus says how much the link still has to copy. More may be in storage than is counted.
func (l *link) onGetStatus(*messages.GetLinkStatus) (proto.Message, error) {
	if !l.exists {
		return &messages.LinkStatus{Code: messages.Code_NOT_FOUND}, nil
	}
	s := &messages.LinkStatus{Code: messages.Code_OK}
	for _, n := range l.lanes() {
		s.Pending += int64(len(n.items))
		for _, it := range n.items {
			if it.sinceMs > 0 && (s.OldestMs == 0 || it.sinceMs < s.OldestMs) {
				s.OldestMs = it.sinceMs
			}
		}
	}
	return s, nil
}
