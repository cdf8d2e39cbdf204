package desk

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func shelve(id, by int64, album string) *messages.Shelve {
	return &messages.Shelve{Message: &messages.RecordMessage{
		Origin:  &messages.Origin{ChatId: 7, MessageId: id, Sender: &messages.Sender{Id: by}},
		Content: &messages.Content{Media: &messages.Media{Kind: "photo", MediaGroupId: album}},
	}}
}

func idsOf(said []*messages.RecordMessage) (ids []int64) {
	for _, m := range said {
		ids = append(ids, m.Origin.MessageId)
	}
	return ids
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// TestShelfOfAlbums puts parts of albums on a shelf, gives albums to tickets, and repeats both, in any order.
func TestShelfOfAlbums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var shelf *storage.Shelf
		kept := map[string][]int64{}
		has := map[string]string{}
		id, now := int64(0), noon
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			album := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "album")
			now = now.Add(time.Minute)
			if rapid.Bool().Draw(t, "put") {
				id++
				for range rapid.IntRange(1, 2).Draw(t, "deliveries") {
					next, err := PutOnShelf(shelf, shelve(id, 1, album), now)
					if err != nil {
						t.Fatal(err)
					}
					if next != nil {
						shelf = next
					}
				}
				kept[album] = append(kept[album], id)
				continue
			}
			ticket := "TICK-" + strconv.Itoa(rapid.IntRange(1, 3).Draw(t, "ticket"))
			if has[album] == "" {
				has[album] = ticket
			}
			for range rapid.IntRange(1, 2).Draw(t, "deliveries") {
				next, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: ticket, Albums: []string{album}}, now)
				if shelf = next; !slices.Equal(idsOf(taken), kept[album]) {
					t.Fatalf("took %v, want %v", idsOf(taken), kept[album])
				}
			}
		}
		for album, ticket := range has {
			if a, ok := ShelvedAlbum(shelf, album); !ok || a.TicketID != ticket {
				t.Fatalf("%s has album %s, want %s", a.TicketID, album, ticket)
			}
		}
	})
}

func TestShelfIsBounded(t *testing.T) {
	var shelf *storage.Shelf
	put := func(m *messages.Shelve, now time.Time) {
		t.Helper()
		next, err := PutOnShelf(shelf, m, now)
		if err != nil {
			t.Fatal(err)
		}
		shelf = next
	}
	waiting := shelve(1, 1, "")
	waiting.Untitled = 1
	put(waiting, noon)
	for id := range int64(500) {
		m := shelve(id+2, 2, strconv.FormatInt(id/10, 10))
		if id%50 == 0 {
			m.Message.Content.Text = strings.Repeat("ก", 4096)
		}
		put(m, noon)
	}
	size := 0
	for i := range shelf.Messages {
		size += len(shelf.Messages[i].Body)
	}
	if len(shelf.Messages) != shelvedAtMost+1 || size > shelvedBytes {
		t.Errorf("%d messages of %d bytes", len(shelf.Messages), size)
	}
	if shelf.Messages[0].MessageID != 1 || shelf.Messages[len(shelf.Messages)-1].MessageID != 501 {
		t.Error("what waits for a title, or the newest, is gone")
	}
	put(shelve(600, 2, "z"), noon.Add(shelvedFor+time.Hour))
	if len(shelf.Messages) != 1 {
		t.Errorf("%d messages after a day", len(shelf.Messages))
	}
	for id := range 200 {
		shelf, _ = TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "T", Albums: []string{strconv.Itoa(id)}}, noon)
	}
	if len(shelf.Albums) > albumsKnown {
		t.Errorf("%d albums", len(shelf.Albums))
	}
}

// TestShelfHoldsLongCaptions: albums of people with Telegram Premium fit as well as others.
func TestShelfHoldsLongCaptions(t *testing.T) {
	var shelf *storage.Shelf
	for id := range int64(shelvedAtMost) {
		m := shelve(id+1, 1, strconv.FormatInt(id/10, 10))
		m.Message.Content.Text = strings.Repeat("ก", 4096)
		for at := range int32(100) {
			m.Message.Content.Entities = append(m.Message.Content.Entities,
				&messages.Entity{Type: "text_link", Offset: 40 * at, Length: 40, Url: "https://example.com/" + strings.Repeat("p", 80)})
		}
		next, err := PutOnShelf(shelf, m, noon)
		if err != nil {
			t.Fatal(err)
		}
		shelf = next
	}
	for album := range 6 {
		next, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "T", Albums: []string{strconv.Itoa(album)}}, noon)
		if shelf = next; len(taken) != 10 {
			t.Errorf("%d of 10 parts", len(taken))
		}
	}
}

func TestShelfOfWhatWaitsForATitle(t *testing.T) {
	var shelf *storage.Shelf
	for _, m := range []struct{ id, untitled, former int64 }{{10, 10, 0}, {12, 12, 0}, {13, 12, 0}, {14, 14, 0}, {20, 20, 14}} {
		s := shelve(m.id, 1, "")
		s.Untitled, s.Former = m.untitled, m.former
		next, err := PutOnShelf(shelf, s, noon)
		if err != nil {
			t.Fatal(err)
		}
		shelf = next
	}
	for _, c := range []struct {
		name     string
		untitled int64
		ticket   string
		want     []int64
	}{
		{"the newest", 12, "A", []int64{12, 13}},
		{"the same again", 12, "A", []int64{12, 13}},
		{"a second answer to the same question", 12, "B", nil},
		{"an earlier one", 10, "C", []int64{10}},
		{"one that was answered without a title", 14, "D", nil},
		{"asked for again", 20, "E", []int64{14, 20}},
		{"what is not known any more", 5, "F", nil},
		{"no question", 0, "G", nil},
	} {
		next, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: c.ticket, Untitled: c.untitled}, noon)
		if shelf = next; !slices.Equal(idsOf(taken), c.want) {
			t.Errorf("%s: took %v, want %v", c.name, idsOf(taken), c.want)
		}
	}
}
