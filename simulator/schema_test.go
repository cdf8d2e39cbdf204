package simulator

import (
	"strings"
	"testing"
)

func TestSchemaIsWellFormed(t *testing.T) {
	s, err := parseSchema(schemaText)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.methods) < 170 || len(s.types) < 80 {
		t.Fatalf("%d methods, %d types", len(s.methods), len(s.types))
	}
	known := func(name string) bool {
		switch name = strings.ReplaceAll(name, "[]", ""); name {
		case "String", "Integer", "Float", "Boolean", "True", "InputFile":
			return true
		}
		return s.types[name] != nil
	}
	for _, all := range []map[string]*schemaObject{s.methods, s.types} {
		for name, o := range all {
			for _, f := range o.fields {
				for _, typ := range f.types {
					if !known(typ) {
						t.Errorf("%s.%s: type %s is not in the table", name, f.name, typ)
					}
				}
			}
			for _, sub := range o.subtypes {
				if !known(sub) {
					t.Errorf("%s: subtype %s is not in the table", name, sub)
				}
			}
		}
	}
	for name := range handlers {
		if s.names[strings.ToLower(name)] != name {
			t.Errorf("method %s is played but not in the table", name)
		}
	}
	for _, bad := range []string{"m", "m x a", "x y z:String", "m x a:"} {
		if _, err := parseSchema(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParametersAreCheckedAgainstTheTable(t *testing.T) {
	st := newStage(t, Options{})
	for _, c := range []struct {
		method string
		a      args
		code   int
		want   string
	}{
		{"sendMesage", args{}, 404, "Not Found"},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "reply_to": 1}, 400, `Bad Request: unknown parameter "reply_to" of method sendMessage`},
		{"sendMessage", args{"chat_id": st.chat}, 400, "Bad Request: message text is empty"},
		{"sendMessage", args{"text": "x"}, 400, "Bad Request: chat_id is empty"},
		{"sendMessage", args{"chat_id": st.chat, "text": 5}, 400, `Bad Request: parameter "text" of method sendMessage: a string is expected, not "5"`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "message_thread_id": "a"}, 400, `Bad Request: parameter "message_thread_id" of method sendMessage: an integer is expected, not "a"`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "protect_content": "maybe"}, 400, `Bad Request: parameter "protect_content" of method sendMessage: a boolean is expected, not "maybe"`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "reply_parameters": args{"id": 1}}, 400, `Bad Request: parameter "reply_parameters" of method sendMessage: unknown field "id" of ReplyParameters`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "reply_parameters": "{"}, 400, `Bad Request: parameter "reply_parameters" of method sendMessage: can't parse as JSON object`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "entities": []args{{"type": "bold", "offset": 0}}}, 400, `Bad Request: parameter "entities" of method sendMessage: [0]: field "length" of MessageEntity is missing`},
		{"sendMessage", args{"chat_id": st.chat, "text": "x", "reply_markup": args{"inline_keyboard": [][]args{{{"text": "a", "callback": "b"}}}}}, 400, `Bad Request: parameter "reply_markup" of method sendMessage: inline_keyboard: [0]: [0]: unknown field "callback" of InlineKeyboardButton`},
		{"setMessageReaction", args{"chat_id": st.chat, "message_id": 1, "reaction": []args{{"type": "emoji"}}}, 400, `Bad Request: parameter "reaction" of method setMessageReaction: [0]: field "emoji" of ReactionTypeEmoji is missing`},
	} {
		st.refuses(c.method, c.a, c.code, c.want)
	}
	lenient := newStage(t, Options{Lenient: true})
	lenient.ok("sendMessage", args{"chat_id": lenient.chat, "text": "x", "no_such": 1}, nil)
}

func FuzzParameterChecker(f *testing.F) {
	f.Add("sendMessage", "entities", `[{"type":"bold","offset":0,"length":1}]`, true)
	f.Add("sendMessage", "reply_markup", `{"inline_keyboard":[[{"text":"a","copy_text":{"text":""}}]]}`, false)
	f.Add("sendMediaGroup", "media", `[{"type":"photo","media":"x"},null,5]`, false)
	f.Add("sendRichMessage", "rich_message", `{"blocks":[[[[[{}]]]]]}`, true)
	f.Add("answerInlineQuery", "results", `[{"type":"article","input_message_content":{}}]`, false)
	s, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, method, name, text string, literal bool) {
		p := &params{values: map[string]value{name: {text: text, literal: literal}, "chat_id": {text: "1"}}}
		m := botAPI.names[strings.ToLower(method)]
		if e := botAPI.check(m, p, literal); e != nil && (e.Code < 400 || e.Description == "") {
			t.Fatalf("%+v", e)
		}
		if h := handlers[m]; h != nil {
			s.mu.Lock()
			_, _ = s.run(h, &call{method: m, p: p})
			_ = s.commit()
			s.mu.Unlock()
		}
	})
}
