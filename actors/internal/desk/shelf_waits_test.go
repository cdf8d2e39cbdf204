package desk

import (
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// asking is a message that waits at a question.
func asking(id, lastWord int64) *messages.Shelve {
	m := shelve(id, 1, "")
	m.Unclear, m.LastWord, m.Question = 10, lastWord, &messages.SendNoticeCall{Key: messages.NoticePrivateWaits}
	return m
}

func TestAQuestionStandsForWhatFollows(t *testing.T) {
	shelf := putAll(t, nil, noon, asking(20, 10))
	if !AskedAbout(shelf, asking(21, 10), noon) {
		t.Error("asked again right below the question")
	}
	if !AskedAbout(shelf, asking(21, 19), noon) {
		t.Error("a word above the question counts as one below it")
	}
	if AskedAbout(shelf, asking(23, 22), noon) {
		t.Error("not asked again below a newer word")
	}
	if AskedAbout(shelf, asking(21, 10), noon.Add(askAgainAfter)) {
		t.Error("not asked again after a while")
	}
}

func TestOnlyTheNewestQuestionIsRepeatedAndOnce(t *testing.T) {
	shelf := putAll(t, nil, noon, asking(20, 10))
	shelf = putAll(t, shelf, noon.Add(2*time.Minute), asking(23, 22))
	if at := RemindAt(shelf); !at.Equal(noon.Add(2*time.Minute + remindAfter)) {
		t.Errorf("it is due at %v", at)
	}
	if _, due := Remind(shelf, noon.Add(remindAfter)); len(due) > 0 {
		t.Error("repeated too early")
	}
	shelf, due := Remind(shelf, noon.Add(time.Hour))
	if len(due) != 1 || due[0].Question.ReplyTo != 23 {
		t.Errorf("repeated %+v", due)
	}
	if !RemindAt(shelf).IsZero() {
		t.Error("it is due again")
	}
	if newest := NewestUnclear(shelf); newest == nil || newest.MessageID != 23 {
		t.Error("it does not wait any more")
	}
}

func TestNothingIsRepeatedThatIsAnswered(t *testing.T) {
	shelf := putAll(t, nil, noon, asking(20, 10))
	shelf, _ = TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "A", Unclear: 10, Said: true}, noon)
	if !RemindAt(shelf).IsZero() || NewestUnclear(shelf) != nil || UnclearWaits(shelf, 10) {
		t.Error("it still waits")
	}
}

func TestHeldIsTakenOnce(t *testing.T) {
	m := shelve(20, 1, "")
	m.Closed = "A"
	shelf := putAll(t, nil, noon, m)
	take := &messages.TakeShelved{TicketId: "A", Closed: true, Said: true}
	shelf, taken := TakeFromShelf(shelf, take, noon)
	if got := idsOf(taken); !slices.Equal(got, []int64{20}) {
		t.Errorf("took %v", got)
	}
	if held, _ := HeldFor(shelf, "A"); len(held) > 0 || len(HeldTickets(shelf)) > 0 {
		t.Error("it still waits")
	}
	if _, taken = TakeFromShelf(shelf, take, noon); len(taken) > 0 {
		t.Error("taken twice")
	}
}

func TestWithdrawnFromTheShelf(t *testing.T) {
	shelf := putAll(t, nil, noon, asking(20, 10), asking(21, 10))
	shelf = WithdrawFromShelf(shelf, 20)
	if !IsWithdrawn(shelf, 20) || IsWithdrawn(shelf, 21) || !WithdrawnAfter(shelf, 10) || WithdrawnAfter(shelf, 0) {
		t.Error("it is not known which was withdrawn")
	}
	if WithdrawFromShelf(shelf, 20) != nil || WithdrawFromShelf(shelf, 99) != nil {
		t.Error("withdrawn twice, or what is not there")
	}
	for i := range shelf.Messages {
		if m := &shelf.Messages[i]; m.MessageID == 20 && len(m.Body) > 0 {
			t.Error("what it said is kept")
		}
	}
	next, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "A", Unclear: 10, Said: true}, noon)
	if got := idsOf(taken); !slices.Equal(got, []int64{21}) {
		t.Errorf("took %v", got)
	}
	if WithdrawFromShelf(next, 21) != nil {
		t.Error("withdrawn from a ticket that has it")
	}
}

func TestHomelessMessagesFindTheirTicket(t *testing.T) {
	homeless := func(id int64) *messages.Shelve {
		m := shelve(id, 1, "")
		m.Homeless = true
		return m
	}
	shelf := putAll(t, nil, noon, homeless(1))
	shelf = putAll(t, shelf, noon.Add(homelessFor), homeless(2), shelve(3, 1, ""), homeless(4))
	take := &messages.TakeShelved{TicketId: "A", Homeless: true}
	at := noon.Add(homelessFor + time.Minute)
	for range 2 {
		next, taken := TakeFromShelf(shelf, take, at)
		if got := idsOf(taken); !slices.Equal(got, []int64{2, 4}) {
			t.Errorf("took %v", got)
		}
		shelf, at = next, at.Add(homelessFor) // an answer that comes again gets the same
	}
	if _, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "B", Homeless: true}, noon.Add(time.Minute)); len(taken) != 1 {
		t.Errorf("another ticket took %v", idsOf(taken))
	}
	questioned := homeless(5)
	questioned.Untitled = 5
	waits := putAll(t, nil, noon, homeless(4), questioned)
	for untitled, want := range map[int64][]int64{0: {4}, 5: {4, 5}} {
		next, _ := TakeFromShelf(waits, &messages.TakeShelved{TicketId: "A", Homeless: true, Untitled: untitled}, noon)
		next, taken := TakeFromShelf(next, &messages.TakeShelved{TicketId: "A", Homeless: true, Untitled: untitled}, noon)
		if got := idsOf(taken); !slices.Equal(got, want) {
			t.Errorf("a ticket with the title for %d took %v", untitled, got)
		}
		if waits := NewestUntitled(next); (waits != nil) != (untitled == 0) {
			t.Errorf("the other title is asked for: %v", waits)
		}
	}
	if HomeOf(shelf, 4) != "A" || HomeOf(shelf, 3) != "" {
		t.Error("it is not known which ticket has it")
	}
	if shelf = ReturnToShelf(shelf, "A"); HomeOf(shelf, 4) != "" {
		t.Error("a ticket that was not opened keeps it")
	}
}

func TestTheTitleIsAskedAboutOnce(t *testing.T) {
	m := shelve(20, 1, "")
	m.Untitled = 20
	shelf := putAll(t, nil, noon, m)
	ask := func(id int64) *storage.Shelf {
		asking := shelve(id, 1, "")
		asking.Untitled, asking.TitleAsked = 20, id
		asking.Question = &messages.SendNoticeCall{Key: messages.NoticePrivateTitle}
		next, err := AskTitleOnShelf(shelf, asking, noon.Add(4*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	if shelf = ask(21); shelf == nil || NewestUntitled(shelf).TitleAsked != 21 {
		t.Fatal("it is not noted")
	}
	if ask(21) != nil || ask(22) != nil {
		t.Error("noted twice")
	}
	if _, due := Remind(shelf, noon.Add(remindAfter)); len(due) > 0 {
		t.Error("repeated too early")
	}
	next, due := Remind(shelf, noon.Add(4*time.Minute+remindAfter))
	if len(due) != 1 || due[0].Question.ReplyTo != 21 || !RemindAt(next).IsZero() {
		t.Errorf("repeated %+v", due)
	}
	titled, _ := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "A", Untitled: 20}, noon)
	if RemindAt(titled).IsZero() {
		t.Error("not repeated once the ticket has another title")
	}
	for what, next := range map[string]*storage.Shelf{"answered": AnsweredOnShelf(shelf, 21), "withdrawn": WithdrawFromShelf(shelf, 21)} {
		if next == nil || !RemindAt(next).IsZero() || AnsweredOnShelf(next, 21) != nil {
			t.Errorf("repeated though it is %s", what)
		}
	}
}

func TestAQuestionStaysForWhatWaitsWithAWithdrawnMessage(t *testing.T) {
	elsewhere := asking(30, 10)
	elsewhere.Unclear = 29
	shelf := putAll(t, nil, noon, asking(20, 10), asking(21, 10), asking(22, 10), elsewhere)
	shelf = WithdrawFromShelf(shelf, 22) // it had no question of its own
	shelf = WithdrawFromShelf(shelf, 20)
	if !AskedAbout(shelf, asking(23, 10), noon) {
		t.Error("asked again though the question stands")
	}
	_, due := Remind(shelf, noon.Add(remindAfter))
	if len(due) != 2 || due[0].Question.ReplyTo != 21 || due[1].Question.ReplyTo != 30 {
		t.Errorf("repeated %+v", due)
	}
	if shelf = WithdrawFromShelf(WithdrawFromShelf(shelf, 21), 30); !RemindAt(shelf).IsZero() {
		t.Error("repeated though nothing waits")
	}
}
