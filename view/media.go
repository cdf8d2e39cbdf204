package view

import (
	"github.com/topicdesk/topicdesk/messages"
)

// What there is to read in a message besides its text. Each is only there in messages that have it.

// MessageReference is what a message answers.
type MessageReference struct {
	From    string `json:"from,omitempty" doc:"Who said it, if that was in another chat or topic, or in a story, or if it was deleted." example:"Shop"`
	URL     string `json:"url,omitempty" doc:"The answered message, or else the profile of who wrote it; only if anybody can open it." example:"https://t.me/shop/17"`
	Text    string `json:"text,omitempty" doc:"The quote, or the beginning of the answered message, or what its medium is about." example:"Returns end on Friday"`
	Media   string `json:"media,omitempty" doc:"What the answered message carries: photo, poll, story …"`
	Item    string `json:"item,omitempty" doc:"The option of a poll, or the task of a checklist, that is answered."`
	Deleted bool   `json:"deleted,omitempty" doc:"It was deleted since. Nothing of what it said is told any more."`
}

// Poll is a poll. Votes are not known.
type Poll struct {
	Question              string       `json:"question" example:"Tea?"`
	Options               []PollOption `json:"options" nullable:"false"`
	IsQuiz                bool         `json:"isQuiz"`
	IsAnonymous           bool         `json:"isAnonymous"`
	AllowsMultipleAnswers bool         `json:"allowsMultipleAnswers"`
	IsClosed              bool         `json:"isClosed"`
	Description           string       `json:"description,omitempty" doc:"What stands below the question."`
}

// PollOption is one answer of a poll.
type PollOption struct {
	Text string `json:"text" example:"No, coffee"`
}

// Contact is a phone contact.
type Contact struct {
	PhoneNumber string `json:"phoneNumber" example:"+66 2 123 4567"`
	FirstName   string `json:"firstName" example:"Nok"`
	LastName    string `json:"lastName,omitempty"`
	UserID      int64  `json:"userId,omitempty" doc:"The contact's Telegram id."`
	VCard       string `json:"vcard,omitempty"`
}

// Location is a point on the map. Of a live one it is the newest position.
type Location struct {
	Latitude           float64 `json:"latitude" example:"13.7563"`
	Longitude          float64 `json:"longitude" example:"100.5018"`
	HorizontalAccuracy float64 `json:"horizontalAccuracy,omitempty" doc:"In metres."`
	LivePeriod         int32   `json:"livePeriod,omitempty" doc:"For how many seconds it moves. Not there: it does not."`
}

// Venue is what is at a location.
type Venue struct {
	Title   string `json:"title" example:"Main office"`
	Address string `json:"address" example:"1 Silom Road"`
}

// Checklist is a list of tasks.
type Checklist struct {
	Title string          `json:"title" example:"Move"`
	Tasks []ChecklistTask `json:"tasks" nullable:"false"`
}

// ChecklistTask is one task of a checklist.
type ChecklistTask struct {
	Text string `json:"text" example:"pack"`
	Done bool   `json:"done,omitempty" doc:"Whether it was done when the message was sent or last edited."`
}

// ReferenceOf is what a message answers; nil: nothing.
func ReferenceOf(r *messages.ReplyTo) *MessageReference {
	if r == nil {
		return nil
	}
	return &MessageReference{From: r.GetOrigin().GetName(), URL: r.Url, Text: r.Preview, Media: r.MediaKind, Item: r.Item,
		Deleted: r.Deleted}
}

// setMedia fills in what a medium consists of.
func (v *Message) setMedia(m *messages.Media) {
	if m == nil {
		return
	}
	v.Media = &m.Kind
	if p := m.Poll; p != nil {
		v.Poll = &Poll{Question: p.Question, Options: []PollOption{}, IsQuiz: p.IsQuiz, IsAnonymous: p.IsAnonymous,
			AllowsMultipleAnswers: p.AllowsMultipleAnswers, IsClosed: p.IsClosed, Description: p.Description}
		for _, o := range p.Options {
			v.Poll.Options = append(v.Poll.Options, PollOption{Text: o.Text})
		}
	}
	if c := m.Contact; c != nil {
		v.Contact = &Contact{PhoneNumber: c.PhoneNumber, FirstName: c.FirstName, LastName: c.LastName,
			UserID: c.UserId, VCard: c.Vcard}
	}
	if l := m.Location; l != nil {
		v.Location = &Location{Latitude: l.Latitude, Longitude: l.Longitude,
			HorizontalAccuracy: l.HorizontalAccuracy, LivePeriod: l.LivePeriod}
	}
	if x := m.Venue; x != nil {
		v.Venue = &Venue{Title: x.Title, Address: x.Address}
	}
	if c := m.Checklist; c != nil {
		v.Checklist = &Checklist{Title: c.Title, Tasks: []ChecklistTask{}}
		for _, t := range c.Tasks {
			v.Checklist.Tasks = append(v.Checklist.Tasks, ChecklistTask{Text: t.Text, Done: t.Done})
		}
	}
}
