package messages

import (
	"regexp"
	"testing"
)

func TestCommandsAreDeclaredWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range SlashCommands {
		if !regexp.MustCompile(`^[a-z0-9_]{1,32}$`).MatchString(c.Verb) { // Bot API, BotCommand
			t.Errorf("/%s: Telegram takes no such command", c.Verb)
		}
		if seen[c.Verb] {
			t.Errorf("/%s is declared twice", c.Verb)
		}
		seen[c.Verb] = true
		if c.Who == ByNobody {
			t.Errorf("/%s: nobody may give it", c.Verb)
		}
		if c.Where == 0 || c.Listed == 0 || c.Listed&^c.Where != 0 {
			t.Errorf("/%s: given in %b, shown in %b", c.Verb, c.Where, c.Listed)
		}
		if found, ok := CommandOf(c.Verb); !ok || found != c {
			t.Errorf("/%s is found as %+v", c.Verb, found)
		}
	}
	if c, ok := CommandOf("unheard_of"); ok || c.Who != ByNobody || c.Where != 0 {
		t.Errorf("an unknown command is %+v", c)
	}
}
