// Listener `client`: schemas and documents.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct SchemaRegisterRequest {
  Packed schema;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("schema", self.schema, "{collection, version, fields: [...]}");
  }
};
struct ReceiptResponse {
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("receipt", self.receipt, "position of the answer");
  }
};
struct SchemaListResponse {
  std::vector<Packed> schemas;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("schemas", self.schemas, "all registered schemas, by collection and version");
    visit("receipt", self.receipt, "position of the answer");
  }
};

struct DocInsertRequest {
  std::string_view collection;
  uint32_t schema_version = 0;
  std::optional<Receipt> receipt;
  Packed document;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("schema_version", self.schema_version, "schema version the document is written under");
    visit("receipt", self.receipt, "refuse unless this node is on that history");
    visit("document", self.document, "the whole document, a map with _id; keys in any order");
  }
};
using DocUpdateRequest = DocInsertRequest;
struct DocDeleteRequest {
  std::string_view collection;
  std::string_view id;
  std::optional<Receipt> receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("receipt", self.receipt, "refuse unless this node is on that history");
  }
};
struct WriteOperation {
  std::string_view op;
  std::string_view collection;
  std::optional<std::string_view> id;
  std::optional<uint32_t> schema_version;
  std::optional<CommitId> if_commit;
  std::optional<Packed> document;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("op", self.op, "insert, update or delete");
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id, for delete");
    visit("schema_version", self.schema_version, "for insert and update");
    visit("if_commit", self.if_commit,
          "refuse the batch unless the newest version is of this commit; 0: unless there is none");
    visit("document", self.document, "for insert and update");
  }
};
struct DocWriteRequest {
  std::optional<Receipt> receipt;
  std::vector<WriteOperation> operations;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("receipt", self.receipt, "refuse unless this node is on that history");
    visit("operations", self.operations, "all or nothing, one commit; each _id at most once");
  }
};

struct DocGetRequest {
  std::string_view collection;
  std::string_view id;
  uint32_t schema_version = 0;
  std::optional<CommitId> at_commit;
  std::optional<Receipt> receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("schema_version", self.schema_version, "newest schema version that the reader understands");
    visit("at_commit", self.at_commit, "read at this commit; absent: at the newest visible one");
    visit("receipt", self.receipt, "last receipt seen: never answered from before it or from another history");
  }
};
struct DocVersion {
  CommitId commit_id;
  uint32_t schema_version = 0;
  Packed document;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commit_id", self.commit_id, "commit that wrote this version");
    visit("schema_version", self.schema_version, "schema version it was written under");
    visit("document", self.document, "canonical document");
  }
};
struct DocGetData {
  CommitId at_commit;
  std::optional<DocVersion> version;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at_commit", self.at_commit, "commit the read was made at");
    visit("version", self.version, "nil: no visible version at that commit");
  }
};
// `data` at one commit is byte-identical on every node; the receipt is the answering node's own.
struct DocGetResponse {
  DocGetData data;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("data", self.data, "the same bytes on every node at one commit");
    visit("receipt", self.receipt, "the node's own position at which the view was fixed");
  }
};

struct QueryPredicate {
  std::string_view field;
  std::string_view op;
  Packed value;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("field", self.field, "dotted path of an indexed field, or _id");
    visit("op", self.op, "eq, lt, le, gt or ge");
    visit("value", self.value, "value of the field's type");
  }
};
// Where the page before ended.
struct QueryPageEnd {
  std::optional<Packed> sort_value;
  std::string_view id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("sort_value", self.sort_value, "value of the sort field in the last document; nil where the order is by _id");
    visit("id", self.id, "_id of the last document");
  }
};
struct DocQueryRequest {
  std::string_view collection;
  uint32_t schema_version = 0;
  std::vector<QueryPredicate> where;
  std::optional<std::string_view> sort;
  std::optional<bool> descending;
  std::optional<uint32_t> limit;
  std::optional<uint64_t> max_entries;
  std::optional<QueryPageEnd> after;
  std::optional<CommitId> at_commit;
  std::optional<Receipt> receipt;
  std::optional<bool> explain;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("schema_version", self.schema_version, "newest schema version that the reader understands");
    visit("where", self.where, "all must hold; each on an indexed field or _id");
    visit("sort", self.sort, "the indexed field to order by; ties by _id");
    visit("descending", self.descending, "order downwards");
    visit("limit", self.limit, "at most so many documents; mandatory");
    visit("max_entries", self.max_entries, "fail rather than visit more visible index entries than this");
    visit("after", self.after, "the next page: documents beyond this end of the one before; needs at_commit");
    visit("at_commit", self.at_commit, "read at this commit");
    visit("receipt", self.receipt, "last receipt seen");
    visit("explain", self.explain, "true: the answer comes with the explanation of how it was found");
  }
};
struct DocQueryData {
  CommitId at_commit;
  std::string index;
  uint64_t bound_entries = 0;
  Sha256 plan_hash{};
  std::vector<DocVersion> versions;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at_commit", self.at_commit, "commit the query was run at");
    visit("index", self.index, "index that proposed the candidates, or _id");
    visit("bound_entries", self.bound_entries, "stated bound, in entries visible at that commit");
    visit("plan_hash", self.plan_hash, "SHA-256 of the plan: equal plans, equal hashes, on every node");
    visit("versions", self.versions, "the documents, in the order asked for");
  }
};
struct DocQueryResponse {
  DocQueryData data;
  Receipt receipt;
  std::optional<ExplanationResponse> explanation;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("data", self.data, "the same bytes on every node at one commit");
    visit("receipt", self.receipt, "the node's own position at which the view was fixed");
    visit("explanation", self.explanation, "query.execution of this very answer, where it was asked for");
  }
};

struct DocHistoryRequest {
  std::string_view collection;
  std::string_view id;
  uint32_t schema_version = 0;
  std::optional<CommitId> before_commit;
  uint32_t limit = 0;
  std::optional<Receipt> receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("schema_version", self.schema_version, "newest schema version that the reader understands");
    visit("before_commit", self.before_commit, "for the next page: versions older than this commit");
    visit("limit", self.limit, "at most so many versions, 1 to 1000");
    visit("receipt", self.receipt, "last receipt seen");
  }
};
struct HistoryVersion {
  CommitId commit_id;
  uint32_t schema_version = 0;
  std::optional<Packed> document;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commit_id", self.commit_id, "commit that wrote this version");
    visit("schema_version", self.schema_version, "schema version it was written under; 0 for a deletion");
    visit("document", self.document, "canonical document; nil: this commit deleted it");
  }
};
struct DocHistoryData {
  CommitId at_commit;
  CommitId floor;
  std::vector<HistoryVersion> versions;
  bool complete = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at_commit", self.at_commit, "commit the history was read at");
    visit("floor", self.floor, "of versions at or below it only the newest is shown");
    visit("versions", self.versions, "newest first");
    visit("complete", self.complete, "the oldest readable one is among them; false: ask again with before_commit");
  }
};
struct DocHistoryResponse {
  DocHistoryData data;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("data", self.data, "the same bytes on every node at one commit");
    visit("receipt", self.receipt, "the node's own position at which the view was fixed");
  }
};

}  // namespace aerodb::wire
