"""A trace receiver for a machine without containers: OTLP/HTTP in, Jaeger's query API and a waterfall page out.

Its answers have the shape of Jaeger's, so that the same trace tests run against it and against Jaeger.
"""
