package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestPageMarksEditsAsTelegramDoes: Telegram's apps mark an edited message of a person, and none of a bot. A copy says in
// its first line that it was edited, so a mark beside it would say it twice.
func TestPageMarksEditsAsTelegramDoes(t *testing.T) {
	b := newBrowser(t)
	p := newPicturedDesk(t)
	p.post(simulator.Post{Text: "Typpo"})
	all := p.sim.Messages(p.support, p.topic)
	_, err := p.sim.Edit(p.ann, p.support, all[len(all)-1].ID, "A person's typo")
	p.must(err)
	api := func(method string, form url.Values) (id int) {
		t.Helper()
		form.Set("chat_id", strconv.FormatInt(p.support, 10))
		resp, err := http.PostForm(p.url+"/bot"+p.sim.Token()+"/"+method, form)
		p.must(err)
		defer func() { _ = resp.Body.Close() }()
		var out struct {
			OK     bool
			Result struct {
				ID int `json:"message_id"`
			}
		}
		p.must(json.NewDecoder(resp.Body).Decode(&out))
		if !out.OK {
			t.Fatalf("%s: %s", method, resp.Status)
		}
		return out.Result.ID
	}
	p.must(p.sim.SetBot(p.support, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
	id := api("sendMessage", url.Values{"message_thread_id": {strconv.Itoa(p.topic)}, "text": {"Ann\nTyppo"}})
	api("editMessageText", url.Values{"message_id": {strconv.Itoa(id)}, "text": {"Ann · edited\nA bot's typo"}})
	b.open(p.url)
	b.see(`topics('Support').length > 0`)
	b.press(`all(pane('Support'), 'topic').find(x => x.textContent.includes('Printer'))`)
	b.see(`message('Support', "A person's typo").querySelector('.stamp').textContent.includes('edited')`)
	b.see(`message('Support', "A bot's typo") && !message('Support', "A bot's typo").querySelector('.stamp').textContent.includes('edited')`)
	b.open("about:blank") // an open event stream would delay the stop
}
