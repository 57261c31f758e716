"""What is wrong in Streamlit's scripts, put right as they are served: patterns as in `own_words`.

A browser sends what changed in one go, under one fragment. Streamlit 1.67 takes the fragment of whatever changed first
and runs that alone, so a search that is entered while the list of samples reports its place is taken over and never
answered. Changes of more than one place run the page instead.

Its key R runs the page again; on Browse R gives a reason.
"""

INDEX = (
    (
        r"scheduleFlush\(e\)\{this\.scheduledFragmentId\?\?=e,",
        "scheduleFlush(e){this.scheduledFragmentId=this.flushScheduled&&e!==this.scheduledFragmentId?void 0:e,",
    ),
    (r"case`r`:this\.rerunScript\(\)", "case`r`:break"),
)
