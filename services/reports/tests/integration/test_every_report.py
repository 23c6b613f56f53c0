"""Each type in each format, by the real worker, from events that went over the broker."""

import csv
import io
import json

import asyncpg
import httpx
import pypdf
import pytest
import pytest_asyncio

from shared.testing.tokens import Signer

from conftest import OtherServices, eventually, finished, new_id, order, user
