// What the API behind this gateway offers: the page shows what is there, and asks for nothing that is not.

export async function offered() {
  if (!document.body.dataset.openapi) return new Offered({ paths: {} });
  try {
    const answer = await fetch("/openapi.json");
    return new Offered(answer.ok ? await answer.json() : { paths: {} });
  } catch {
    return new Offered({ paths: {} });
  }
}

export class Offered {
  constructor(document) {
    this.document = document;
    this.paths = document.paths || {};
  }

  has(method, path) {
    return Boolean(this.paths[path]?.[method.toLowerCase()]);
  }

  // [{method, path, summary, tag, parameters, body}], in the order of tags and paths.
  operations() {
    const found = [];
    for (const [path, item] of Object.entries(this.paths)) {
      for (const method of ["get", "post", "put", "patch", "delete"]) {
        const operation = item[method];
        if (!operation) continue;
        const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map((one) => this.resolved(one));
        const schema = operation.requestBody?.content?.["application/json"]?.schema;
        found.push({
          method: method.toUpperCase(), path, parameters,
          summary: operation.summary || "",
          tag: operation.tags?.[0] || "other",
          deprecated: Boolean(operation.deprecated),
          body: schema ? this.example(schema) : undefined,
        });
      }
    }
    return found.sort((one, other) => one.tag.localeCompare(other.tag) || one.path.localeCompare(other.path));
  }

  resolved(node) {
    if (!node?.$ref) return node;
    return node.$ref.replace(/^#\//, "").split("/").reduce((at, part) => at?.[part.replace(/~1/g, "/").replace(/~0/g, "~")], this.document) || {};
  }

  // A value that a schema might take: its example, else one of its kind.
  example(schema, depth = 0) {
    const node = this.resolved(schema) || {};
    if (node.examples?.length) return node.examples[0];
    if (node.example !== undefined) return node.example;
    if (node.default !== undefined && node.default !== null) return node.default;
    if (node.const !== undefined) return node.const;
    if (node.enum?.length) return node.enum[0];
    const choice = node.anyOf || node.oneOf || node.allOf;
    if (choice?.length) return this.example(choice.find((one) => one.type !== "null") || choice[0], depth + 1);
    if (depth > 5) return null;
    if (node.type === "object" || node.properties) {
      const wanted = Object.entries(node.properties || {}).filter(([name]) => !node.required || node.required.includes(name));
      return Object.fromEntries(wanted.map(([name, inner]) => [name, this.example(inner, depth + 1)]));
    }
    if (node.type === "array") return [this.example(node.items || {}, depth + 1)];
    if (node.type === "integer" || node.type === "number") return node.minimum ?? 1;
    if (node.type === "boolean") return false;
    return node.format === "date-time" ? new Date().toISOString() : "text";
  }
}
