"""The dashboard's body: what clients meet first, then what lies behind it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from typing import Any

from components.monitoring.arguments import MonitoringArgs
from components.monitoring.service_graphs import clients_graphs, functions_graphs, tables_graphs
from components.monitoring.session_graphs import sessions_graphs, speech_graphs

COLUMNS = 3
# The grid is 24 units wide.
WIDTH = 24 // COLUMNS
HEIGHT = 6
PERIOD_SECONDS = 60


def dashboard(args: MonitoringArgs) -> dict[str, Any]:
    """The body, for `Output.json_dumps`: it holds outputs."""
    graphs = [
        *clients_graphs(args),
        *functions_graphs(args),
        *sessions_graphs(args),
        *speech_graphs(args),
        *tables_graphs(args),
    ]
    widgets = [
        {
            "type": "metric",
            "x": index % COLUMNS * WIDTH,
            "y": index // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {"region": args.platform.region, "period": PERIOD_SECONDS, **graph},
        }
        for index, graph in enumerate(each for each in graphs if each["metrics"])
    ]
    return {"widgets": widgets}
