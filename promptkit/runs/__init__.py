"""Many rows at once: a recipe carried out over a table, each row a session in one folder, resumable to the picture.

`run` is what a user calls and holds: a Run, which has a `run_row` for each row. `arguments` checks what callers give, `rows` reads tables,
`column_meaning` says what their columns mean, `row_folder` which folder a row has. `planning` renders and checks every row before anything
is sent, `preview` shows that. What is carried out is an `order`, a row as JSON that travels; `work` carries one out by an engine of the
row's folder, `causes` says why a row has no picture and whether it is asked again. `coordinator` hands orders out and keeps within
`allowance`, the budget of all rows together. `executors` brings them to `threads`, or to the processes behind a caller's executor, where
`worker` takes them once the process has answered the `probe`. `batch` carries a run out by jobs of many requests instead, each of which a
`batch_job` keeps on disk. `row_state` is what came of a row, `results` writes that as tables, `report` as pages to look through, for which
`report_pictures` makes thumbnails, `saving` as pictures under names of a pattern; `run_file` keeps how the run was asked for, and
`under_way` tells other processes that one is at work. Runs drive engines directly and know no session's head; nothing below knows of rows.
"""
