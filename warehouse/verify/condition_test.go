package verify_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event/rules"
	"clickstream/internal/event/rules/rulestest"
	"clickstream/warehouse/warehousetest"
)

func TestW7_ClickHouseJudgesRandomConditionsAsThePlainCodeDoes(t *testing.T) {
	conn := warehousetest.Open(t, warehousetest.Database(t).Config()).Conn()
	rnd := rand.New(rand.NewPCG(5, 8))
	qualified, judged := 0, 0
	compare := func(conditions int, settings string) {
		sets, texts := make([]*rules.Set, conditions), make([]string, conditions)
		for i := range sets {
			sets[i] = rulestest.Set(rnd)
			texts[i] = sets[i].SQL(0, func(column int) string { return fmt.Sprintf("c[%d]", column+1) })
		}
		counts := make([][]uint32, 400)
		for i := range counts {
			counts[i] = make([]uint32, rules.MaxTypes)
			for column := range 3 {
				counts[i][column] = rnd.Uint32N(7)
			}
		}
		rows, err := conn.Query(t.Context(), "SELECT ["+strings.Join(texts, ", ")+"] FROM (SELECT arrayJoin({counts:Array(Array(UInt32))}) AS c) SETTINGS max_threads = 1, "+settings,
			clickhouse.Named("counts", counts))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; rows.Next(); n++ {
			var got []uint8
			if err := rows.Scan(&got); err != nil {
				t.Fatal(err)
			}
			for i, set := range sets {
				want := set.Qualifies(0, counts[n])
				if (got[i] == 1) != want {
					t.Fatalf("%s with %v: ClickHouse says %d, want %v: %s (%s)", set.Rules()[0].When, counts[n], got[i], want, texts[i], settings)
				}
				judged++
				if want {
					qualified++
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		compare(50, "compile_expressions = 0")
	}
	// It compiles expressions that it has seen some times.
	compare(20, "compile_expressions = 1, min_count_to_compile_expression = 0")
	if judged < 200_000 || qualified < judged/20 {
		t.Errorf("%d of %d qualified: that says little", qualified, judged)
	}
}

// A condition is at most 1,000 bytes long. What is inf or not a number compares
// alike too.
func TestW7_ClickHouseJudgesTheDeepestConditions(t *testing.T) {
	conn := warehousetest.Open(t, warehousetest.Database(t).Config()).Conn()
	huge := strings.Repeat("*1000000000000000", 22)
	for _, when := range []string{
		strings.Repeat("!(", 330) + "views>1" + strings.Repeat(")", 330),
		"views>0 && purchases<" + strings.Repeat("views/(", 95) + "2" + strings.Repeat(")", 95),
		"views>0 && purchases<" + strings.Repeat("-(", 300) + "views" + strings.Repeat(")", 300),
		"views>0" + strings.Repeat("+1-(views", 60) + strings.Repeat(")", 60),
		"views" + strings.Repeat("/views", 100) + ">0",
		strings.Repeat("views>1||", 75) + "views>2",
		strings.Repeat("views>1&&", 75) + "views>2",
		"views>0 && views" + huge + " - purchases" + huge + " != 0",
		"views>0 && !(views" + huge + " - purchases" + huge + " < 0)",
	} {
		set, err := rules.New(time.Minute, []rules.Rule{{Name: "r", When: when, Window: time.Hour, Slide: time.Minute}})
		if err != nil {
			t.Errorf("%.40s…: %v", when, err)
			continue
		}
		for _, counts := range [][]uint32{{1, 0}, {2, 1}, {7, 3}, {4_000_000_000, 4_000_000_000}} {
			text := set.SQL(0, func(column int) string { return fmt.Sprint(counts[column]) })
			var got uint8
			if err := conn.QueryRow(t.Context(), "SELECT "+text).Scan(&got); err != nil {
				t.Errorf("%.40s…: %v", when, err)
				break
			}
			if want := set.Qualifies(0, append(counts, make([]uint32, rules.MaxTypes-2)...)); (got == 1) != want {
				t.Errorf("%.40s… with %v: ClickHouse says %d, want %v", when, counts, got, want)
			}
		}
	}
}
