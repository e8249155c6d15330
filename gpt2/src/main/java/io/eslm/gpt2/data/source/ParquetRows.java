// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Rows of a Parquet file as JSON: lists and structs too. A value of another type becomes its text. */
final class ParquetRows {
    private ParquetRows() {
    }

    static List<Json> read(Path file, long limit) {
        List<Json> rows = new ArrayList<>();
        Parquet.with(file, parquet -> {
            ParquetPages.check(file, parquet.getFileMetaData(), _ -> true, false);
            long there = parquet.getFileMetaData().rowGroups().stream().filter(group -> !group.columns().isEmpty())
                    .mapToLong(RowGroup::numRows).sum();
            try (RowReader in = parquet.rowReader()) {
                while (rows.size() < limit && in.hasNext()) {
                    if (rows.size() == there) { // without columns, the library finds rows without end
                        throw new UserError(file + " is damaged: after the " + there
                                + " rows of its columns come more. Copy it again.");
                    }
                    in.next();
                    rows.add(Json.ofRow(file, rows.size(), object(in)));
                }
            }
            return rows.size();
        });
        return rows;
    }

    private static JsonObject object(StructAccessor row) {
        JsonObject object = new JsonObject();
        for (int i = 0; i < row.getFieldCount(); i++) {
            object.add(row.getFieldName(i), row.isNull(i) ? JsonNull.INSTANCE : element(row.getValue(i)));
        }
        return object;
    }

    private static JsonElement element(Object value) {
        return switch (value) {
            case null -> JsonNull.INSTANCE;
            case Number n -> new JsonPrimitive(n);
            case Boolean b -> new JsonPrimitive(b);
            case PqStruct struct -> object(struct);
            case PqList list -> {
                JsonArray array = new JsonArray(list.size());
                list.values().forEach(v -> array.add(element(v)));
                yield array;
            }
            default -> new JsonPrimitive(value.toString());
        };
    }
}
