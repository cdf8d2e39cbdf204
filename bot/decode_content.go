package bot

import (
	"maps"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// This file reads the media that are no file.

type wirePaid struct {
	Stars int32 `json:"star_count"`
}

func (p *wirePaid) into(m *messages.Media) { m.Value = p.Stars }

type wireStory struct {
	Chat *wireChat `json:"chat"`
	ID   int64     `json:"id"`
}

func (s *wireStory) into(m *messages.Media) { m.Source = s.Chat.name() }

type wireTitled struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Currency    string `json:"currency"`
	Amount      int64  `json:"total_amount"`
}

func (t *wireTitled) game(m *messages.Media) { m.Title, m.Details = t.Title, t.Description }

func (t *wireTitled) invoice(m *messages.Media) {
	m.Title = t.Title
	switch {
	case t.Currency == "":
	case zeroDecimals[t.Currency]:
		m.Details = strconv.FormatInt(t.Amount, 10) + " " + t.Currency
	default:
		m.Details = strconv.FormatFloat(float64(t.Amount)/100, 'f', 2, 64) + " " + t.Currency
	}
}

type wireChecklist struct {
	Title    string       `json:"title"`
	Entities []wireEntity `json:"title_entities"`
	Tasks    []struct {
		ID       int64        `json:"id"`
		Text     string       `json:"text"`
		Entities []wireEntity `json:"text_entities"`
		Done     int64        `json:"completion_date"`
	} `json:"tasks"`
}

func (c *wireChecklist) into(m *messages.Media) {
	out := &messages.Checklist{Title: c.Title, TitleEntities: entities(c.Entities, c.Title)}
	for i := range c.Tasks {
		t := &c.Tasks[i]
		out.Tasks = append(out.Tasks, &messages.ChecklistTask{
			Text: t.Text, Entities: entities(t.Entities, t.Text), Done: t.Done > 0,
		})
	}
	m.Title, m.Checklist = messages.Marked{Text: out.Title, Entities: out.TitleEntities}.Shown(), out
	m.Details = tasksIn(out).Shown()
}

// tasksIn returns the tasks of a checklist, one a line.
func tasksIn(c *messages.Checklist) (tasks messages.Marked) {
	for _, t := range c.GetTasks() {
		mark := "☐ "
		if t.Done {
			mark = "☑ "
		}
		task := messages.Marked{Text: mark}.Then("", messages.Marked{Text: t.Text, Entities: t.Entities})
		tasks = tasks.Then("\n", task)
	}
	return tasks
}

type wireContact struct {
	Phone     string `json:"phone_number"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	UserID    int64  `json:"user_id"`
	VCard     string `json:"vcard"`
}

func (c *wireContact) into(m *messages.Media) {
	m.Contact = &messages.Contact{
		PhoneNumber: c.Phone, FirstName: c.FirstName, LastName: c.LastName, UserId: c.UserID, Vcard: c.VCard,
	}
}

type wireDice struct {
	Emoji string `json:"emoji"`
	Value int32  `json:"value"`
}

func (d *wireDice) into(m *messages.Media) { m.Emoji, m.Value = d.Emoji, d.Value }

type wirePoll struct {
	Question  string       `json:"question"`
	Entities  []wireEntity `json:"question_entities"`
	Type      string       `json:"type"`
	Anonymous bool         `json:"is_anonymous"`
	Multiple  bool         `json:"allows_multiple_answers"`
	Closed    bool         `json:"is_closed"`

	Description         string         `json:"description"`
	DescriptionEntities []wireEntity   `json:"description_entities"`
	Media               map[string]any `json:"media"` // of the description, by kind

	Options []struct {
		ID       string       `json:"persistent_id"`
		Text     string       `json:"text"`
		Entities []wireEntity `json:"text_entities"`
	} `json:"options"`
}

func (p *wirePoll) into(m *messages.Media) {
	out := &messages.Poll{
		Question: p.Question, QuestionEntities: entities(p.Entities, p.Question), IsQuiz: p.Type == "quiz",
		IsAnonymous: p.Anonymous, AllowsMultipleAnswers: p.Multiple, IsClosed: p.Closed,
		Description: p.Description, DescriptionEntities: entities(p.DescriptionEntities, p.Description),
		MediaKind: p.kind(),
	}
	for i := range p.Options {
		o := &p.Options[i]
		out.Options = append(out.Options, &messages.PollOption{Text: o.Text, Entities: entities(o.Entities, o.Text)})
	}
	m.Poll = out
}

// kind returns of which kind the medium of the description is; "" for none.
func (p *wirePoll) kind() string {
	for _, kind := range slices.Sorted(maps.Keys(p.Media)) {
		if slices.Contains(messages.MediaKinds, kind) {
			return kind
		}
	}
	return ""
}

type wireLocation struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Accuracy  float64 `json:"horizontal_accuracy"`
	Period    int32   `json:"live_period"`
	Heading   int32   `json:"heading"`
	Proximity int32   `json:"proximity_alert_radius"`
}

func (l *wireLocation) into(m *messages.Media) { m.Location = l.location() }

func (l *wireLocation) location() *messages.Location {
	return &messages.Location{
		Latitude: l.Latitude, Longitude: l.Longitude, HorizontalAccuracy: l.Accuracy, LivePeriod: l.Period,
		Heading: l.Heading, ProximityAlertRadius: l.Proximity,
	}
}

type wireVenue struct {
	Location       wireLocation `json:"location"`
	Title          string       `json:"title"`
	Address        string       `json:"address"`
	FoursquareID   string       `json:"foursquare_id"`
	FoursquareType string       `json:"foursquare_type"`
	GoogleID       string       `json:"google_place_id"`
	GoogleType     string       `json:"google_place_type"`
}

func (v *wireVenue) into(m *messages.Media) {
	m.Location = v.Location.location()
	m.Venue = &messages.Venue{
		Title: v.Title, Address: v.Address, FoursquareId: v.FoursquareID, FoursquareType: v.FoursquareType,
		GooglePlaceId: v.GoogleID, GooglePlaceType: v.GoogleType,
	}
}

type wireGiveaway struct {
	Chats   []wireChat `json:"chats"`
	Chat    *wireChat  `json:"chat"` // of the winners
	Winners int32      `json:"winner_count"`
	Prize   string     `json:"prize_description"`
}

func (g *wireGiveaway) into(m *messages.Media) {
	m.Title, m.Value = g.Prize, g.Winners
	if g.Chat != nil {
		m.Source = g.Chat.name()
	} else if len(g.Chats) > 0 {
		m.Source = g.Chats[0].name()
	}
}

type wireGift struct {
	Text string `json:"text"`
	Gift struct {
		Name string `json:"name"` // of a unique gift
	} `json:"gift"`
}

func (g *wireGift) into(m *messages.Media) { m.Details = g.Text }

func (g *wireGift) unique(m *messages.Media) { m.Title = g.Gift.Name }

// zeroDecimals are the currencies without a smaller unit in which Telegram takes payments. Stars (XTR) are one of them.
var zeroDecimals = map[string]bool{
	"XTR": true, "CLP": true, "ISK": true, "JPY": true, "KRW": true, "PYG": true, "UGX": true, "VND": true,
}
