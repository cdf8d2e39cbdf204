package simulator

import "testing"

// TestStateTellsTheLatestMessages: lists of topics show what was said last in each, who said it and when.
func TestStateTellsTheLatestMessages(t *testing.T) {
	st := newStage(t, Options{})
	topic, err := st.s.CreateTopic(st.chat, st.admin, "Printer")
	st.must(err)
	latest := func(thread int) latestView {
		t.Helper()
		st.s.mu.Lock()
		defer st.s.mu.Unlock()
		topics, general := st.s.w.chats[st.chat].topicViews()
		for _, v := range topics {
			if v.Thread == thread {
				general = v.Latest
			}
		}
		if general == nil {
			t.Fatalf("nothing is told of topic %d", thread)
		}
		return *general
	}
	if got := latest(topic); got.Text != "Ada created the topic “Printer”" || got.From != "" {
		t.Errorf("a new topic shows %+v", got)
	}
	_, err = st.s.Post(Post{From: st.ann, Chat: st.chat, Thread: topic, Text: "It is\non fire"})
	st.must(err)
	last, err := st.s.Post(Post{From: st.ann, Chat: st.chat, Thread: topic, Text: "Come quickly"})
	st.must(err)
	if got := latest(topic); got.Text != "Come quickly" || got.From != "Ann" || got.ID != last.ID || got.Date != last.Date {
		t.Errorf("the latest is %+v", got)
	}
	st.must(st.s.Delete(st.ann, st.chat, last.ID))
	if got := latest(topic); got.Text != "It is on fire" {
		t.Errorf("after a deletion the latest is %+v", got)
	}
	_, err = st.s.Post(Post{From: st.admin, Chat: st.chat, Text: "Good morning"})
	st.must(err)
	if got := latest(0); got.Text != "Good morning" || got.From != "Ada" {
		t.Errorf("the latest in General is %+v", got)
	}
}
