package simulator

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxPhoto = 10 << 20

// resolveMedia makes media of a parameter: a file id, a URL, or an uploaded part.
func (s *Server) resolveMedia(c *call, kind, ref, part string) (*Media, *apiError) {
	if up := c.p.files[part]; up != nil && ref == "" {
		return s.uploaded(kind, up)
	}
	if name, ok := strings.CutPrefix(ref, "attach://"); ok {
		up := c.p.files[name]
		if up == nil {
			return nil, badRequest("there is no file with the attached name %q", name)
		}
		return s.uploaded(kind, up)
	}
	switch {
	case ref == "":
		return nil, badRequest("there is no %s in the request", strings.ReplaceAll(kind, "_", " "))
	case strings.HasPrefix(ref, "http://"), strings.HasPrefix(ref, "https://"):
		return nil, badRequest("failed to get HTTP URL content") // the simulator fetches nothing
	}
	f := s.findFile(ref)
	if f == nil {
		return nil, badRequest("wrong file identifier/HTTP URL specified")
	}
	if f.Kind != kind && !(kind == "document" || kind == "video" && f.Kind == "animation" || kind == "animation" && f.Kind == "video") {
		return nil, badRequest("can't use file of type %s as %s", title(f.Kind), title(kind))
	}
	return f.media(), nil // a file keeps its own kind
}

func title(kind string) string {
	words := strings.Split(kind, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func (s *Server) uploaded(kind string, up *upload) (*Media, *apiError) {
	if len(up.data) == 0 {
		return nil, badRequest("file must be non-empty")
	}
	if len(up.data) > maxUpload || kind == "photo" && len(up.data) > maxPhoto {
		return nil, &apiError{Code: 413, Description: "Request Entity Too Large"}
	}
	f, err := s.store(kind, up.name, up.mime, up.data, 0)
	if err != nil {
		return nil, &apiError{Code: 500, Description: "Internal Server Error: " + err.Error()}
	}
	return f.media(), nil
}

func sendFile(kind string) handler {
	return func(s *Server, c *call) (any, *apiError) {
		m, e := s.draft(c)
		if e != nil {
			return nil, e
		}
		if captioned(kind) {
			if m.Text, m.Entities, e = c.readText("caption", "caption_entities", "parse_mode", maxCaption); e != nil {
				return nil, e
			}
		}
		if m.Media, e = s.resolveMedia(c, kind, c.p.str(kind), kind); e != nil {
			return nil, e
		}
		m.Spoiler, m.Above = c.p.bool("has_spoiler"), c.p.bool("show_caption_above_media")
		return s.postBot(c, m)
	}
}

type inputMedia struct {
	Type      string   `json:"type"`
	Media     string   `json:"media"`
	Caption   string   `json:"caption"`
	ParseMode string   `json:"parse_mode"`
	Entities  []Entity `json:"caption_entities"`
	Spoiler   bool     `json:"has_spoiler"`
	Above     bool     `json:"show_caption_above_media"`
}

func (s *Server) inputMedia(c *call, in inputMedia) (*Media, string, []Entity, *apiError) {
	if !slices.Contains([]string{"photo", "video", "live_photo", "animation", "audio", "document"}, in.Type) {
		return nil, "", nil, badRequest("can't parse InputMedia: type %q is unsupported", in.Type)
	}
	text, es, e := formatted(in.Caption, in.ParseMode, in.Entities, maxCaption)
	if e != nil {
		return nil, "", nil, e
	}
	media, e := s.resolveMedia(c, in.Type, in.Media, "")
	return media, text, es, e
}

func (s *Server) sendMediaGroup(c *call) (any, *apiError) {
	first, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	var in []inputMedia
	if err := c.p.json("media", &in); err != nil {
		return nil, badRequest("can't parse media JSON object")
	}
	if len(in) < 2 || len(in) > 10 {
		return nil, badRequest("group send failed: an album has 2 to 10 parts")
	}
	parts := make([]*Message, 0, len(in))
	for _, part := range in {
		if part.Type == "animation" || alone(part.Type) && part.Type != in[0].Type || alone(in[0].Type) && part.Type != in[0].Type {
			return nil, badRequest("%s can't be mixed with other media types", map[bool]string{true: title(part.Type), false: title(in[0].Type)}[alone(part.Type) || part.Type == "animation"])
		}
		m := *first
		if m.Media, m.Text, m.Entities, e = s.inputMedia(c, part); e != nil {
			return nil, e
		}
		m.Spoiler, m.Above = part.Spoiler, part.Above
		parts = append(parts, &m)
	}
	album := s.newAlbum()
	out := []json.RawMessage{}
	for _, m := range parts {
		m.AlbumID = album
		b, _ := s.postBot(c, m)
		out = append(out, json.RawMessage(b.(raw)))
	}
	return out, nil
}

// alone tells which kinds make albums only with their own kind.
func alone(kind string) bool { return kind == "audio" || kind == "document" }

func (s *Server) editMessageMedia(c *call) (any, *apiError) {
	m, e := s.editable(c)
	if e != nil {
		return nil, e
	}
	var in inputMedia
	if err := c.p.json("media", &in); err != nil {
		return nil, badRequest("can't parse InputMedia JSON object")
	}
	media, text, es, e := s.inputMedia(c, in)
	if e != nil {
		return nil, e
	}
	if m.AlbumID != "" && (alone(in.Type) || m.Media != nil && alone(m.Media.Kind)) && m.Media != nil && m.Media.Kind != in.Type {
		return nil, badRequest("message can't be edited")
	}
	return s.edit(c, m, func(m *Message) {
		m.Text, m.Entities, m.Media, m.Spoiler, m.Above = text, es, media, in.Spoiler, in.Above
		m.LinkPreview, m.Rich = nil, nil
	})
}

func (s *Server) sendValue(c *call, kind string, v any) (any, *apiError) {
	m, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	m.Media = &Media{Kind: kind, Value: jsonOf(v)}
	return s.postBot(c, m)
}

func (c *call) location() (map[string]any, *apiError) {
	lat, lon := c.p.float("latitude"), c.p.float("longitude")
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return nil, badRequest("wrong latitude or longitude specified")
	}
	return map[string]any{"latitude": lat, "longitude": lon}, nil
}

func (s *Server) sendLocation(c *call) (any, *apiError) {
	l, e := c.location()
	if e != nil {
		return nil, e
	}
	if c.p.has("horizontal_accuracy") {
		l["horizontal_accuracy"] = c.p.float("horizontal_accuracy")
	}
	for _, k := range []string{"live_period", "heading", "proximity_alert_radius"} {
		if c.p.has(k) {
			l[k] = c.p.int64(k)
		}
	}
	return s.sendValue(c, "location", l)
}

func (s *Server) sendVenue(c *call) (any, *apiError) {
	l, e := c.location()
	if e != nil {
		return nil, e
	}
	v := map[string]any{"location": l}
	for _, k := range []string{"title", "address", "foursquare_id", "foursquare_type", "google_place_id", "google_place_type"} {
		if c.p.has(k) {
			v[k] = c.p.str(k)
		}
	}
	return s.sendValue(c, "venue", v)
}

func (s *Server) sendContact(c *call) (any, *apiError) {
	v := map[string]any{}
	for _, k := range []string{"phone_number", "first_name", "last_name", "vcard"} {
		if c.p.has(k) {
			v[k] = c.p.str(k)
		}
	}
	return s.sendValue(c, "contact", v)
}

func (s *Server) sendDice(c *call) (any, *apiError) {
	emoji, faces := c.p.str("emoji"), map[string]int{"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}
	if emoji == "" {
		emoji = "🎲"
	}
	if faces[emoji] == 0 {
		return nil, badRequest("wrong dice emoji specified")
	}
	return s.sendValue(c, "dice", map[string]any{"emoji": emoji, "value": 1 + rand.IntN(faces[emoji])})
}

func (s *Server) sendPoll(c *call) (any, *apiError) {
	question := strings.TrimSpace(c.p.str("question"))
	if n := utf8.RuneCountInString(question); n == 0 || n > 300 {
		return nil, badRequest("poll question must be non-empty, and at most 300 characters long")
	}
	var in []struct {
		Text     string
		Entities []Entity `json:"text_entities"`
	}
	if err := c.p.json("options", &in); err != nil {
		return nil, badRequest("can't parse options JSON object")
	}
	if len(in) < 1 || len(in) > 12 {
		return nil, badRequest("poll must have at least 1 and at most 12 options")
	}
	options := make([]map[string]any, 0, len(in))
	for i, o := range in {
		if n := utf8.RuneCountInString(o.Text); n == 0 || n > 100 {
			return nil, badRequest("poll options length must be between 1 and 100")
		}
		options = append(options, map[string]any{"persistent_id": strconv.Itoa(i), "text": o.Text, "text_entities": o.Entities, "voter_count": 0})
	}
	kind := c.p.str("type")
	if kind == "" {
		kind = "regular"
	}
	if kind != "regular" && kind != "quiz" {
		return nil, badRequest("wrong poll type specified")
	}
	p := map[string]any{"id": strconv.FormatInt(c.chat.id*1000003+int64(c.chat.nextID), 10), "question": question, "options": options, "total_voter_count": 0,
		"is_closed": c.p.bool("is_closed"), "is_anonymous": !c.p.has("is_anonymous") || c.p.bool("is_anonymous"), "type": kind,
		"allows_multiple_answers": c.p.bool("allows_multiple_answers"), "allows_revoting": c.p.bool("allows_revoting"), "members_only": c.p.bool("members_only")}
	var es []Entity
	if err := c.p.json("question_entities", &es); err != nil {
		return nil, badRequest("can't parse question entities JSON object")
	}
	if len(es) > 0 {
		p["question_entities"] = es
	}
	if kind == "quiz" {
		var correct []int
		if err := c.p.json("correct_option_ids", &correct); err != nil || len(correct) == 0 || slices.Max(correct) >= len(options) || slices.Min(correct) < 0 {
			return nil, badRequest("wrong correct option ID specified")
		}
		p["correct_option_ids"] = correct
	}
	return s.sendValue(c, "poll", p)
}

func (s *Server) stopPoll(c *call) (any, *apiError) {
	m := c.chat.live(c.p.int("message_id"))
	if m == nil || m.Media == nil || m.Media.Kind != "poll" || m.From.ID != s.botID {
		return nil, badRequest("message with poll to stop not found")
	}
	if bytes.Contains(m.Media.Value, []byte(`"is_closed":true`)) {
		return nil, badRequest("poll has already been closed")
	}
	v := bytes.Replace(m.Media.Value, []byte(`"is_closed":false`), []byte(`"is_closed":true`), 1)
	s.change(c.chat, m, "edit", func(m *Message) {
		media := *m.Media
		media.Value = v
		m.Media = &media
	})
	return raw(v), nil
}
