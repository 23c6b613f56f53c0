"""All resources of a client, by their names."""

from gatehouse_client.asynchronous import AsyncCaller
from gatehouse_client.blocking import Caller
from gatehouse_client.resources.account import Account, AsyncAccount
from gatehouse_client.resources.api_keys import ApiKeys, AsyncApiKeys
from gatehouse_client.resources.audit_events import AsyncAuditEvents, AuditEvents
from gatehouse_client.resources.auth import AsyncAuth, Auth
from gatehouse_client.resources.avatars import AsyncAvatars, Avatars
from gatehouse_client.resources.oauth import AsyncOauth, Oauth
from gatehouse_client.resources.oauth_clients import AsyncOauthClients, OauthClients
from gatehouse_client.resources.orders import AsyncOrders, Orders
from gatehouse_client.resources.payments import AsyncPayments, Payments
from gatehouse_client.resources.product_imports import AsyncProductImports, ProductImports
from gatehouse_client.resources.products import AsyncProducts, Products
from gatehouse_client.resources.report_schedules import AsyncReportSchedules, ReportSchedules
from gatehouse_client.resources.reports import AsyncReports, Reports
from gatehouse_client.resources.second_factor import AsyncSecondFactor, SecondFactor
from gatehouse_client.resources.sessions import AsyncSessions, Sessions
from gatehouse_client.resources.users import AsyncUsers, Users
from gatehouse_client.resources.webhooks import AsyncWebhooks, Webhooks


class Resources:
    """All resources, for a client."""

    def __init__(self, caller: Caller) -> None:
        self.auth = Auth(caller)
        self.users = Users(caller)
        self.avatars = Avatars(caller)
        self.account = Account(caller)
        self.second_factor = SecondFactor(caller)
        self.sessions = Sessions(caller)
        self.api_keys = ApiKeys(caller)
        self.oauth = Oauth(caller)
        self.oauth_clients = OauthClients(caller)
        self.audit_events = AuditEvents(caller)
        self.products = Products(caller)
        self.product_imports = ProductImports(caller)
        self.orders = Orders(caller)
        self.payments = Payments(caller)
        self.reports = Reports(caller)
        self.report_schedules = ReportSchedules(caller)
        self.webhooks = Webhooks(caller)


class AsyncResources:
    """All resources, for an async client."""

    def __init__(self, caller: AsyncCaller) -> None:
        self.auth = AsyncAuth(caller)
        self.users = AsyncUsers(caller)
        self.avatars = AsyncAvatars(caller)
        self.account = AsyncAccount(caller)
        self.second_factor = AsyncSecondFactor(caller)
        self.sessions = AsyncSessions(caller)
        self.api_keys = AsyncApiKeys(caller)
        self.oauth = AsyncOauth(caller)
        self.oauth_clients = AsyncOauthClients(caller)
        self.audit_events = AsyncAuditEvents(caller)
        self.products = AsyncProducts(caller)
        self.product_imports = AsyncProductImports(caller)
        self.orders = AsyncOrders(caller)
        self.payments = AsyncPayments(caller)
        self.reports = AsyncReports(caller)
        self.report_schedules = AsyncReportSchedules(caller)
        self.webhooks = AsyncWebhooks(caller)
