"""Everything that is stored of outbound webhooks."""

from storage.webhook_deliveries import DeliveryTable
from storage.webhook_endpoints import EndpointTable


class WebhookTable(EndpointTable, DeliveryTable):
    """The port ``Webhooks`` in one transaction."""
