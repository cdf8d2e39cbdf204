package httpedge_test

import (
	"fmt"
	"testing"
)

// A program can't take somebody's username for another person, whatever its key may see: who mentions that name would
// reach the other one. The person keeps the name.
func TestProgramTakesNoUsername(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	bob, zoe := s.person(s.support), s.person(s.sales)
	name, path := s.username(bob), fmt.Sprintf("/api/v1/users/%d", zoe)
	for range 2 {
		s.do("PUT", path, s.bound(s.sales), object{"username": "@" + name}).is(409, "username_taken")
	}
	s.do("PUT", fmt.Sprintf("/api/v1/users/%d", bob), s.bound(s.support), object{"username": name, "lastName": "B"}).is(200)
	s.do("PUT", path, s.bound(s.sales), object{"username": "@" + name + "_2"}).is(200)
	if now := s.username(bob); now != name {
		t.Errorf("the person is known as %q, not as %q", now, name)
	}
}
