package simulator

import (
	"bytes"
	"encoding/json"
)

// source finds the message to forward or copy.
func (s *Server) source(c *call) (*chat, *apiError) {
	from, e := s.findChat(c.p.str("from_chat_id"))
	if e != nil {
		return nil, e
	}
	return from, reachable(from)
}

// copyable says whether a message may be copied or forwarded.
func copyable(m *Message) bool {
	if m == nil || m.Service != nil || m.Protected {
		return false
	}
	return m.Media == nil || mediaKinds[m.Media.Kind].copies && !isUnknownQuiz(m.Media)
}

// isUnknownQuiz says whether a medium is a quiz whose answer the bot does not know.
func isUnknownQuiz(m *Media) bool {
	return m.Kind == "poll" && bytes.Contains(m.Value, []byte(`"type":"quiz"`)) &&
		!bytes.Contains(m.Value, []byte(`"correct_option_id`))
}

func (s *Server) origin(m *Message) *Origin {
	if m.ForwardOf != nil {
		return m.ForwardOf
	}
	o := &Origin{Name: m.From.Name, Date: m.Date}
	switch {
	case m.From.As == nil:
		o.Person = m.From.ID
	case m.From.ID == GroupAnonymousBotID:
		o.Chat = m.From.As
	default:
		o.Chat, o.ID = m.From.As, m.ID
	}
	return o
}

func (s *Server) forwardMessage(c *call) (any, *apiError) {
	from, e := s.source(c)
	if e != nil {
		return nil, e
	}
	d, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	m := from.live(c.p.int("message_id"))
	if m == nil {
		return nil, badRequest("message to forward not found")
	}
	if !copyable(m) {
		return nil, badRequest("the message can't be forwarded")
	}
	s.fill(d, m, true)
	d.ForwardOf = s.origin(m)
	return s.postBot(c, d)
}

// fill puts a message's content into another; the copy of a poll is a new poll without votes.
func (s *Server) fill(d, m *Message, forward bool) {
	d.Text, d.Entities, d.Media, d.Rich = m.Text, m.Entities, m.Media, m.Rich
	if forward || m.Media == nil || m.Media.Kind != "poll" {
		return
	}
	var p map[string]any
	if json.Unmarshal(m.Media.Value, &p) != nil {
		return
	}
	s.w.nextAlbum++
	p["id"], p["total_voter_count"], p["is_closed"] = itoa(int(s.w.nextAlbum)), 0, false
	if options, ok := p["options"].([]any); ok {
		for _, o := range options {
			if o, ok := o.(map[string]any); ok {
				o["voter_count"] = 0
			}
		}
	}
	d.Media = &Media{Kind: "poll", Value: jsonOf(p)}
}

func (s *Server) copyMessage(c *call) (any, *apiError) {
	from, e := s.source(c)
	if e != nil {
		return nil, e
	}
	d, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	m := from.live(c.p.int("message_id"))
	if m == nil {
		return nil, badRequest("message to copy not found")
	}
	if !copyable(m) {
		return nil, badRequest("the message can't be copied")
	}
	s.fill(d, m, false)
	if c.p.has("caption") && m.Media != nil && captioned(m.Media.Kind) {
		if d.Text, d.Entities, e = c.readText("caption", "caption_entities", "parse_mode", maxCaption); e != nil {
			return nil, e
		}
	}
	if _, e := s.postBot(c, d); e != nil {
		return nil, e
	}
	return map[string]int{"message_id": c.log.Message}, nil
}

func (s *Server) forwardMessages(c *call) (any, *apiError) { return s.many(c, true) }

func (s *Server) copyMessages(c *call) (any, *apiError) { return s.many(c, false) }

// many forwards or copies in bulk: albums stay albums, what can't be copied is skipped.
func (s *Server) many(c *call, forward bool) (any, *apiError) {
	from, e := s.source(c)
	if e != nil {
		return nil, e
	}
	first, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	ids, e := c.messageIDs()
	if e != nil {
		return nil, e
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			return nil, badRequest("message identifiers must be in a strictly increasing order")
		}
	}
	out, albums := []json.RawMessage{}, map[string]string{}
	for _, id := range ids {
		m := from.live(id)
		if !copyable(m) {
			continue
		}
		d := *first
		s.fill(&d, m, forward)
		if c.p.bool("remove_caption") && m.Media != nil {
			d.Text, d.Entities = "", nil
		}
		if m.AlbumID != "" {
			if albums[m.AlbumID] == "" {
				albums[m.AlbumID] = s.newAlbum()
			}
			d.AlbumID = albums[m.AlbumID]
		}
		if forward {
			d.ForwardOf = s.origin(m)
		}
		if _, e := s.postBot(c, &d); e != nil {
			return nil, e
		}
		out = append(out, jsonOf(map[string]int{"message_id": c.log.Message}))
	}
	if len(out) == 0 {
		if forward {
			return nil, badRequest("there are no messages to forward")
		}
		return nil, badRequest("there are no messages to copy")
	}
	return out, nil
}
