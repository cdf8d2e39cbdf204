package desk

import (
	"context"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ViewOf is what the card in a topic shows of a ticket, with links to the ticket's other topics. The card in a private
// chat shows only the home topic: who else is on the ticket, and where, stays within the desk (docs/decisions.md, D20).
func ViewOf(
	ctx context.Context, store naming, r *storage.Ticket, at ids.TopicKey,
) (*messages.TicketView, error) {
	v := &messages.TicketView{
		Number:   r.Number,
		TicketId: r.TicketID, Title: r.Title, Description: r.Description, Status: r.Status, Priority: r.Priority,
		DescriptionEntities: EntitiesOf(r.DescriptionEntities), CreatedBy: r.CreatedBy.Name,
		CreatedByUsername: r.CreatedBy.Username, CreatedMs: r.CreatedAt.UnixMilli(),
		Forward: ForwardOf(r.Forwarded),
	}
	here := TopicOf(r, at)
	// What the ticket is called that it goes on from stays within its group, and with the customer (D210).
	if here != nil && (here.GroupID == r.Home.GroupID || messages.IsPrivate(here.GroupID)) {
		v.Follows = r.FollowsName
	}
	if of := r.OpenedFor; of != nil {
		v.Customer, v.CustomerUsername = of.Name, of.Username
	}
	if r.Timers.Planned != nil || !TellsOfClosing(r) { // what cards show, costs a call
		v.ClosesMs = MillisOf(r.Timers.ClosesAt)
	}
	group, err := groupAt(ctx, store, r.Home.GroupID)
	if err != nil {
		return nil, err
	}
	if group != nil {
		if v.ClosesMs != 0 {
			v.ClosesZone = TimesOf(group).ZoneName()
		}
		v.Url = messages.TopicURL(group.TelegramGroupID, r.Home.TelegramTopicID)
		if at != r.Home.TopicID {
			v.Links = append(v.Links, &messages.LinkView{
				GroupTitle: group.Title, ChatId: group.TelegramGroupID, ThreadId: r.Home.TelegramTopicID,
			})
		}
	}
	if here != nil && messages.IsPrivate(here.GroupID) {
		v.Private = true
		return v, nil
	}
	if r.Assignee != nil {
		v.Assignee, v.AssigneeUsername = r.Assignee.Name, r.Assignee.Username
	}
	for i := range r.Links {
		link := &r.Links[i]
		if link.Ended || link.Topic.TopicID == at || IsAPILink(link) {
			continue
		}
		l, err := linkView(ctx, store, link)
		if err != nil {
			return nil, err
		}
		v.Links = append(v.Links, l)
	}
	return v, nil
}

func linkView(ctx context.Context, store naming, link *storage.Link) (*messages.LinkView, error) {
	topic := &link.Topic
	if messages.IsPrivate(topic.GroupID) {
		return &messages.LinkView{UserName: link.UserName, Private: true}, nil
	}
	v := &messages.LinkView{UserName: link.UserName, GroupTitle: topic.GroupID, ThreadId: topic.TelegramTopicID}
	group, err := groupAt(ctx, store, topic.GroupID)
	if err != nil {
		return nil, err
	}
	if group != nil {
		v.GroupTitle, v.ChatId = group.Title, group.TelegramGroupID
	}
	return v, nil
}
