package main

// mutants are the changes. Each breaks a promise of architecture.md.
var mutants = []mutant{
	{
		name: "offsets are committed before the insert",
		file: "warehouse/mirror/commit.go",
		old: `		select {
		case <-b.stored:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.commitBatch(ctx, b); err != nil {
			return err
		}
`,
		new: `		if err := r.commitBatch(ctx, b); err != nil {
			return err
		}
		select {
		case <-b.stored:
		case <-ctx.Done():
			return ctx.Err()
		}
`,
		pkg: "warehouse/mirror", test: "TestM2_NothingIsCommittedBeforeItIsStored",
	},
	{
		name: "rows carry no version",
		file: "warehouse/rows/events.go",
		old:  `	c.rank = append(c.rank, ^uint64(offset))`,
		new:  `	c.rank = append(c.rank, 0)`,
		pkg:  "warehouse/mirror", test: "TestM3_ACleanRunStoresEachRecordOnceWithItsPlace",
	},
	{
		name: "the table ignores the version",
		file: "migrations/00001_event_log.sql",
		old:  `ReplacingMergeTree(offset_rank)`,
		new:  `ReplacingMergeTree`,
		pkg:  "warehouse/mirror", test: "TestM1_E3_TheFirstCopyCountsWhateverTheOrderOfStoring",
	},
	{
		name: "the time is no part of the identity",
		file: "migrations/00001_event_log.sql",
		old:  `ORDER BY (event_type, toStartOfHour(timestamp), kafka_key, timestamp, event_id)`,
		new:  `ORDER BY (event_type, toStartOfHour(timestamp), kafka_key, event_id)`,
		pkg:  "warehouse/mirror", test: "TestE3_SeveralTimesOrTypesOfOneIDAreSeveralEvents",
	},
	{
		name: "an invalid record is dropped",
		file: "warehouse/mirror/read.go",
		old:  `	b.invalid = append(b.invalid, rejected)`,
		new:  `	_ = rejected`,
		pkg:  "warehouse/mirror", test: "TestM2_InvalidRecordsAreKeptWithTheirBytesAndControlRecordsAreSkipped",
	},
	{
		name: "an error of the insert is ignored",
		file: "warehouse/mirror/write.go",
		old: `		err := w.conn.Insert(ctx, table, left.next())
		if err == nil {`,
		new: `		err := w.conn.Insert(ctx, table, left.next())
		if err == nil || ctx.Err() == nil {`,
		pkg: "warehouse/mirror", test: "TestM2_ALostConnectionIsWaitedFor",
	},
	{
		name: "the committed offset is one too low",
		file: "warehouse/mirror/read.go",
		old:  `read.next = rec.Offset + 1`,
		new:  `read.next = rec.Offset`,
		pkg:  "warehouse/mirror", test: "TestM2_OffsetsMoveOverControlRecords",
	},
	{
		name: "the committed offset is one too high",
		file: "warehouse/mirror/read.go",
		old:  `read.next = rec.Offset + 1`,
		new:  `read.next = rec.Offset + 2`,
		pkg:  "warehouse/mirror", test: "TestM1_StoppedAtAnyTimeNothingIsLost",
	},
	{
		name: "the group is not the table set's",
		file: "warehouse/mirror/mirror.go",
		old:  `	r.group = tables.Group(r.side)`,
		new:  `	_, r.group = tables, r.side.Group("mirror")`,
		pkg:  "warehouse/mirror", test: "TestM5_MirrorsOfTwoDatabasesDoNotDisturbEachOther",
	},
	{
		name: "a gap is passed over and not recorded",
		file: "warehouse/mirror/gaps.go",
		old:  `	if err != nil || len(gaps) == 0 {`,
		new:  `	if err != nil || len(gaps) >= 0 {`,
		pkg:  "warehouse/mirror", test: "TestM6_WhatRetentionCutsWhileTheMirrorIsDownIsRecordedOnce",
	},
	{
		name: "an alert keeps its first version",
		file: "migrations/00002_alert_log.sql",
		old:  `ReplacingMergeTree(version)`,
		new:  `ReplacingMergeTree(kafka_partition)`,
		pkg:  "warehouse/mirror", test: "TestM1_AlertsKeepTheirLatestVersion",
	},
	{
		name: "a record may lie in any partition",
		file: "internal/event/validate.go",
		old:  `; p != r.Partition {`,
		new:  `; p < 0 {`,
		pkg:  "internal/event", test: "TestARecordWithAnotherKeyOrPartitionIsInvalid",
	},
	{
		name: "tables of one server do not wait for the disk",
		file: "warehouse/fsync.go",
		old:  `if !t.plain || t.fsync == !w.cfg.NoFsync {`,
		new:  `if !t.plain || t.fsync == !w.cfg.NoFsync || name != "" {`,
		pkg:  "warehouse", test: "TestM2_RowsAndMergesAreOnTheDiskBeforeTheyCount",
	},
	{
		name: "a tick is valid anywhere",
		file: "processor/windows/partition.go",
		old:  `valid := t.After == p.lastValue && p.eventWatermark != None`,
		new:  `valid := p.eventWatermark != None`,
		pkg:  "processor/windows", test: "TestW3W4W5_AStreamWorkedOutByHand",
	},
	{
		name: "an event counts in a window that has closed",
		file: "processor/windows/ruled.go",
		old:  `return floorDiv(int64(watermark), r.slide) - r.slides + 1`,
		new:  `return floorDiv(int64(watermark), r.slide) - r.slides`,
		pkg:  "processor/windows", test: "TestW3W4W5_AStreamWorkedOutByHand",
	},
	{
		name: "a window is judged by the newest set",
		file: "processor/windows/rules.go",
		old: `	if idle {
		p.retire(last)
	} else {
		current.end(p.newest)
	}
	p.begin(set, p.newest)`,
		new: `	p.retire(last)
	p.begin(set, None)`,
		pkg: "processor/windows", test: "TestW8_AChangeOfRulesWorkedOutByHand",
	},
	{
		name: "a window joins the later of two neighbours that are equally near",
		file: "processor/windows/episodes.go",
		old:  `earlier = start-runs[i-1].last <= runs[i].first-start`,
		new:  `earlier = start-runs[i-1].last < runs[i].first-start`,
		pkg:  "processor/windows", test: "TestW9_EpisodesWorkedOutByHand",
	},
	{
		name: "alerts of an instance that was killed are neighbours",
		file: "processor/windows/history.go",
		old:  `if a.Version > h.upTo || `,
		new:  `if `,
		pkg:  "processor/windows", test: "TestW9_AlertsOfLaterVersionsAreNoNeighboursBeforeTheLogSaysThem",
	},
	{
		name: "windows that are rebuilt in part are neighbours",
		file: "processor/windows/rules.go",
		old: `	if !p.rebuilding {
		g.findEpisodes`,
		new: `	if p.episodes.alertsEnd >= 0 {
		g.findEpisodes`,
		pkg: "processor/windows", test: "TestW9_WindowsThatAreRebuiltInPartAreNoNeighbours",
	},
	{
		name: "alerts are not read where a commit is continued from",
		file: "processor/earlier.go",
		old:  `a.Remember(st.history)`,
		new:  `_ = st.history`,
		pkg:  "processor", test: "TestW9_WhoeverTakesOverGoesOnWithTheEpisodesOnTheAlertsTopic",
	},
	{
		name: "a change to a set that is not known is passed over",
		file: "processor/reading.go",
		old: `	set, err := in.sets.lookup(change.Hash)
	if err != nil {`,
		new: `	set, err := in.sets.lookup(change.Hash)
	if err != nil {
		p.Skip(r.Offset)
		return nil`,
		pkg: "processor", test: "TestW8_AChangeToAnUnknownSetHoldsUpItsPartitionAlone",
	},
	{
		name: "the default set judges where retention has cut the log",
		file: "processor/rulesets.go",
		old:  `hash := known.InForce(partition, start)`,
		new:  `hash := known.InForce(partition, 0*start)`,
		pkg:  "processor", test: "TestW8_WhereRetentionHasCutTheLogTheSetInForceThereJudges",
	},
	{
		name: "a set that was half put in force counts as in force",
		file: "internal/broker/rulesets.go",
		old: `return len(s.begun) == 0
}`,
		new: `return true
}`,
		pkg: "internal/broker", test: "TestW8_WhatWasHalfPutInForceIsKnownAndDoneAgain",
	},
	{
		name: "duplicates are counted",
		file: "processor/windows/generation.go",
		old: `	if !added {
		return duplicate
	}
`,
		new: `	_ = added
`,
		pkg: "processor/windows", test: "TestW1toW5_RandomLogsAsThePlainModelSays",
	},
	{
		name: "verify leaves a column out",
		file: "warehouse/verify/sql/judge.sql",
		old:  `if(t.brand = l.brand, '', 'brand')`,
		new:  `''`,
		pkg:  "warehouse/verify", test: "TestSwappedColumnsAreFoundAndNamed",
	},
	{
		name: "verify does not compare the receive time",
		file: "warehouse/verify/readlog.go",
		old:  `pos.rows.hashes[pos.next] == hash && pos.rows.received[pos.next] == received:`,
		new:  `pos.rows.hashes[pos.next] == hash && received > 0:`,
		pkg:  "warehouse/verify", test: "TestAnotherReceiveTimeIsFound",
	},
	{
		name: "verify does not notice that rejected rows are missing",
		file: "warehouse/verify/sql/rejected_topic.sql",
		old:  `countIf(side = 1) = 0, 'missing'`,
		new:  `countIf(side = 1) = 0, ''`,
		pkg:  "warehouse/verify", test: "TestDamageToRejectedRecordsIsFoundAgainstTheirTopic",
	},
	{
		name: "verify takes a retracted alert for a confirmed one",
		file: "warehouse/verify/sql/alerts.sql",
		old:  `t.there = 0 OR (j.there = 1 AND j.qualifies = 1 AND t.status = 'retracted'), 'missing'`,
		new:  `t.there = 0, 'missing'`,
		pkg:  "warehouse/verify", test: "TestDamageToAlertsIsFoundOnTheTopicAndInTheTable",
	},
	{
		name: "verify judges windows by the sets before and after their own",
		file: "warehouse/verify/sql/alerts.sql",
		old:  `WHERE e.start > r.after AND e.start <= r.up_to AND e.start`,
		new:  `WHERE e.start`,
		pkg:  "warehouse/verify", test: "TestW8_AlertsByAnotherSetThanTheWindowsOwnAreADifference",
	},
	{
		name: "verify joins a window to the episode of one that qualified later",
		file: "warehouse/verify/sql/parents.sql",
		old:  `(n.2, n.1) < (first_offset, start)`,
		new:  `n.1 != start`,
		pkg:  "warehouse/verify", test: "TestW9_AnAlertOfAnotherEpisodeIsADifference",
	},
	{
		name: "verify does not count physical duplicates",
		file: "warehouse/verify/compare.go",
		old:  `if more := v.rows - v.stored; more > 0 {`,
		new:  `if more := v.rows - v.stored; more < 0 {`,
		pkg:  "warehouse/verify", test: "TestPhysicalDuplicatesAreCounted",
	},
	{
		name: "a commit that was begun as another member is sent",
		file: "internal/broker/commit.go",
		old:  `if still != nil && !still(req.MemberID) {`,
		new:  `if still != nil && !still(req.MemberID) && len(req.MemberID) == 0 {`,
		pkg:  "internal/broker", test: "TestACommitThatHasWaitedForAJoinIsNotTakenOfAnotherMember",
	},
	{
		name: "an alert of another rule stays firing",
		file: "processor/unfinished.go",
		old:  `last.Status, last.Exact = event.Retracted, false`,
		new:  `last.Exact = false`,
		pkg:  "processor", test: "TestW4_NoAlertOfARuleThatIsNoLongerJudgedStaysFiring",
	},
	{
		name: "a batch that cannot be read is passed over without a gap",
		file: "processor/unreadable.go",
		old:  `s.recordGaps(ctx, []broker.Gap{g}, `,
		new:  `s.recordGaps(ctx, []broker.Gap{}, `,
		pkg:  "processor", test: "TestM6_ABatchThatCannotBeReadIsPassedOverAsTheErrorSays",
	},
	{
		name: "verify reports no gap",
		file: "warehouse/verify/compare.go",
		old:  `if g.AcceptedAt != nil {`,
		new:  `if g.AcceptedAt != nil || g.To > 0 {`,
		pkg:  "warehouse/verify", test: "TestGapsAreADifferenceUntilTheyAreAccepted",
	},
	{
		name: "verify begins one record too late",
		file: "warehouse/verify/verify.go",
		old:  `v.state.next[p], v.state.lastValues[p] = v.begins[p], -1`,
		new:  `v.state.next[p], v.state.lastValues[p] = v.begins[p]+1, -1`,
		pkg:  "warehouse/verify", test: "TestWhatTheMirrorHasNotStoredIsNamed",
	},
	{
		name: "a backtest reads from when the first window began",
		file: "processor/backtest/backtest.go",
		old:  `max(s.First()-event.FutureAfter, 0)`,
		new:  `s.First()`,
		pkg:  "processor/backtest", test: "TestEventsThatWereReceivedBeforeTheFirstWindowBeganCountInIt",
	},
	{
		name: "a backtest stops when its time is over and windows are open",
		file: "processor/backtest/backtest.go",
		old:  `return event.MillisOf(*s.To) + event.Millis(s.Longest.Milliseconds())`,
		new:  `return event.MillisOf(*s.To)`,
		pkg:  "processor/backtest", test: "TestWindowsAreWholeAtTheEdgesOfTheTime",
	},
	{
		name: "a notice is sent without an intent",
		file: "processor/notifier/member.go",
		old:  `if err := m.out.ProduceSync(ctx, records...).FirstErr(); err != nil {`,
		new:  `if err := ctx.Err(); err != nil {`,
		pkg:  "processor/notifier", test: "TestN1_AnEpisodesFirstFiringAndItsEndAreSentOnceToEachReceiver",
	},
	{
		name: "what is read again is decided again",
		file: "processor/notifier/partition.go",
		old:  `return d, is && offset >= p.decided`,
		new:  `return d, is`,
		pkg:  "processor/notifier", test: "TestN1_NoticesBecomeDueAtTheSameRecordsWhateverIsReadAgain",
	},
	{
		name: "an end overtakes the first notice",
		file: "processor/notifier/queue.go",
		old:  `if q.byKey[p.first] != nil {`,
		new:  `if q.byKey[p.first] != nil && now.IsZero() {`,
		pkg:  "processor/notifier", test: "TestN1_AReceiverThatIsDownForAnHourDelaysNothingElse",
	},
	{
		name: "history notifies",
		file: "processor/notifier/decide.go",
		old:  `d.notice == broker.NoticeFirst && age > p.maxAge`,
		new:  `d.notice == broker.NoticeEnd && age > p.maxAge`,
		pkg:  "processor/notifier", test: "TestN1_AnAlertOfAWindowThatEndedLongBeforeIsTooOld",
	},
}
