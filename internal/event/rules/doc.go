// Package rules holds rule sets: named alert rules with a condition over the
// counts of a product's events in a window, such as
//
//	views > 100 && purchases < 5
//
// A [Set] is read from a file ([Parse]), from the log ([Decode]) or made of a
// flash-sale rule ([FlashSale]). It does not change, and any number of
// goroutines may use it. It does no I/O.
//
// # Conditions
//
// A condition is written in the expression language of
// github.com/expr-lang/expr, of which it uses numbers, counts, the operators
// + - * / < <= > >= == != && || ! (and, or, not) and parentheses. Everything
// else of that language is refused. A count is the number of distinct events of
// one type that a product has in a window: views, carts (add_to_cart),
// cart_removals (remove_from_cart), purchases, refunds, wishlists, checkouts,
// searches, pages, or count("event_type") for any other. conversion_rate is
// 100 × purchases / views. Numbers are IEEE 754 doubles, and a division by 0
// is 0, so that every condition has the same value everywhere. A condition that
// holds for a window without events is refused: it would alert for everything,
// for ever.
//
// # Names and hashes
//
// A condition is kept in one canonical spelling, so that spaces, parentheses
// that change nothing and comments make no other rule. A rule's definition
// ([Set.Definition]) is what decides its alerts: its name, condition, window,
// slide and the set's lateness. It is the `rule` of an alert and decides the
// alert's id. The set's hash ([Set.Hash]) covers the description, severity and
// notify too, because the set is stored under it.
package rules
