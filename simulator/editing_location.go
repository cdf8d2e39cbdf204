package simulator

import "encoding/json"

// liveLocation finds the bot's live location that a call is about.
func (s *Server) liveLocation(c *call) (*Message, map[string]any, *apiError) {
	m, e := s.editable(c)
	if e != nil {
		return nil, nil, e
	}
	l := map[string]any{}
	if m.Media == nil || m.Media.Kind != "location" || json.Unmarshal(m.Media.Value, &l) != nil || l["live_period"] == nil {
		return nil, nil, badRequest("message can't be edited")
	}
	return m, l, nil
}

func (s *Server) moveLocation(c *call, m *Message, l map[string]any) (any, *apiError) {
	if string(jsonOf(l)) == string(m.Media.Value) {
		return nil, badRequest(notModified)
	}
	m = s.change(c.chat, m, "edit", func(m *Message) {
		m.Media = &Media{Kind: "location", Value: jsonOf(l)}
		m.Edited, m.EditDate = true, s.now().Unix()
		m.Edits++
	})
	return raw(s.messageJSON(m, false)), nil
}

func (s *Server) editMessageLiveLocation(c *call) (any, *apiError) {
	m, l, e := s.liveLocation(c)
	if e != nil {
		return nil, e
	}
	at, e := c.location()
	if e != nil {
		return nil, e
	}
	for _, k := range []string{"live_period", "heading", "proximity_alert_radius"} {
		if c.p.has(k) {
			at[k] = c.p.int64(k)
		} else if k == "live_period" {
			at[k] = l[k]
		}
	}
	return s.moveLocation(c, m, at)
}

func (s *Server) stopMessageLiveLocation(c *call) (any, *apiError) {
	m, l, e := s.liveLocation(c)
	if e != nil {
		return nil, e
	}
	delete(l, "live_period")
	delete(l, "heading")
	delete(l, "proximity_alert_radius")
	return s.moveLocation(c, m, l)
}
