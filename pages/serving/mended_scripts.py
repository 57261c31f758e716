"""What is wrong in Streamlit's scripts, put right as they are served: patterns as in `own_words`.

A browser sends what changed in one go, under one fragment. Streamlit 1.67 takes the fragment of whatever changed first
and runs that alone, so a search that is entered while the list of samples reports its place is taken over and never
answered. Changes of more than one place run the page instead.

Each message repeats what all widgets show. What a hand has changed is marked in it, for `stale_values`.

Its key R runs the page again; on Browse R gives a reason.
"""

from pages.serving.stale_values import MARK

INDEX = (
    (
        r"scheduleFlush\(e\)\{this\.scheduledFragmentId\?\?=e,",
        "scheduleFlush(e){this.scheduledFragmentId=this.flushScheduled&&e!==this.scheduledFragmentId?void 0:e,",
    ),
    (
        r"createWidgetState\(e,t\)\{return\(",
        f"createWidgetState(e,t){{if(t.fromUser){{let n=`{MARK}${{e.id}}`;"
        "this.widgetStates.createState(n).triggerValue=!0,this.pendingTriggerIds.add(n)}return(",
    ),
    # The fields of a form, when it is submitted: marked like the rest, and no longer with what is sent after that.
    (
        r"this\.widgetStates\.copyFrom\(r\.widgetStates\),r\.widgetStates\.clear\(\),this\.sendUpdateWidgetsMessage\(t\),",
        "r.widgetStates.forEach(e=>this.createWidgetState({id:e.id},{fromUser:!0})),"
        "this.widgetStates.copyFrom(r.widgetStates),r.widgetStates.clear(),this.sendUpdateWidgetsMessage(t),"
        "this.pendingTriggerIds.forEach(e=>this.deleteWidgetState(e)),this.pendingTriggerIds.clear(),",
    ),
    (r"case`r`:this\.rerunScript\(\)", "case`r`:break"),
)
