package report

import (
	"encoding/json"
	"testing"
)

// TestCustomerOfAnEvent is whose ticket it is; events from before say only who opened it.
func TestCustomerOfAnEvent(t *testing.T) {
	for event, want := range map[string]string{
		`{"ticket":{"createdBy":{"kind":"user","id":"1"}}}`:                                     "1",
		`{"ticket":{"createdBy":{"kind":"user","id":"1"},"customer":{"kind":"user","id":"2"}}}`: "2",
	} {
		var data eventData
		if err := json.Unmarshal([]byte(event), &data); err != nil || data.customer().ID != want {
			t.Errorf("%s: %+v, %v", event, data.customer(), err)
		}
	}
}
