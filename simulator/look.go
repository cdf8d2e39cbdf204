package simulator

import (
	"errors"
	"net/url"
	"strings"
)

// LinkPreview says how the preview of a text's link looks. Its JSON is the Bot API's LinkPreviewOptions.
type LinkPreview struct {
	IsDisabled       bool   `json:"is_disabled,omitempty"`
	URL              string `json:"url,omitempty"`
	PreferSmallMedia bool   `json:"prefer_small_media,omitempty"`
	PreferLargeMedia bool   `json:"prefer_large_media,omitempty"`
	ShowAboveText    bool   `json:"show_above_text,omitempty"`
}

// Previewed is the address that people see previewed below or above a text; "": none.
func (m Message) Previewed() string {
	if m.Media != nil || m.Service != nil {
		return ""
	}
	if p := m.LinkPreview; p != nil && (p.IsDisabled || p.URL != "") {
		if p.IsDisabled {
			return ""
		}
		return p.URL
	}
	for _, e := range m.Entities {
		switch {
		case e.Type == "url":
			return utf16Cut(m.Text, e.Offset, e.Length)
		case e.Type == "text_link" && strings.HasPrefix(e.URL, "http"):
			return e.URL
		}
	}
	return ""
}

// Look is how a message looks beside its words.
type Look struct {
	LinkPreview LinkPreview `json:"linkPreview"`
	Spoiler     bool        `json:"spoiler"`
	Above       bool        `json:"captionAbove"`
}

func (m *Message) look() Look {
	l := Look{Spoiler: m.Spoiler, Above: m.Above}
	if m.LinkPreview != nil {
		l.LinkPreview = *m.LinkPreview
	}
	return l
}

// EditLook changes how a person's own message looks, and none of its words.
func (s *Server) EditLook(from, chatID int64, messageID int, look Look) error {
	return s.do(func() error {
		c, m, err := s.own(from, chatID, messageID)
		if err != nil {
			return err
		}
		if look.LinkPreview != (LinkPreview{}) && m.Media != nil {
			return errors.New("only texts have previews")
		}
		m = s.change(c, m, "edit", func(m *Message) {
			m.LinkPreview, m.Spoiler, m.Above = nil, look.Spoiler, look.Above
			if look.LinkPreview != (LinkPreview{}) {
				m.LinkPreview = &look.LinkPreview
			}
			m.Edited, m.EditDate = true, s.now().Unix()
			m.Edits++
		})
		if s.botSees(c, m) {
			s.push("edited_message", c.id, s.messageJSON(m, false))
		}
		return nil
	})
}

// linkPreview reads the parameter link_preview_options.
func (c *call) linkPreview() (*LinkPreview, *apiError) {
	var p LinkPreview
	if err := c.p.json("link_preview_options", &p); err != nil {
		return nil, badRequest("can't parse link preview options JSON object")
	}
	if p == (LinkPreview{}) {
		return nil, nil
	}
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" && !strings.Contains(p.URL, ".")) {
		return nil, badRequest("WEBPAGE_URL_INVALID")
	}
	return &p, nil
}
