// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The events of an {@link EventFile}: TensorFlow's messages Event, SessionLog, Summary, SummaryMetadata and TensorProto. Times are
 * in seconds since 1970.
 */
final class BoardEvent {
    private static final String VERSION = "brain.Event:2";
    /** Fields of a step that a clock measured. */
    private static final Set<String> SPEED = Set.of("ms", "tokens_per_s", "mfu");
    private static final String VALIDATION = "val_";
    /** TensorProto's name for elements that are texts. */
    private static final int STRING = 7;
    private static final int SESSION_START = 1;

    private BoardEvent() {
    }

    /** The first event of a file. */
    static byte[] version(double time) {
        return new ProtoMessage().real(1, time).text(3, VERSION).toBytes();
    }

    /** A start of the program: readers forget what they have of {@code step} and of later ones. */
    static byte[] start(double time, long step) {
        return event(time, step).message(7, new ProtoMessage().number(1, SESSION_START)).toBytes();
    }

    /** The finite numbers of a line of the log. */
    static byte[] scalars(double time, Json line) {
        ProtoMessage summary = new ProtoMessage();
        line.object().asMap().forEach((field, value) -> {
            if (value instanceof JsonObject numbers) {
                String group = field.equals("domains") ? "val/loss" : field;
                numbers.asMap().forEach((name, number) -> scalars(summary, group + "/" + name, number));
            } else if (!field.equals("step")) {
                scalar(summary, tag(field), value);
            }
        });
        return event(time, line.count("step")).message(5, summary).toBytes();
    }

    /** A number, or those of an object by their names. */
    private static void scalars(ProtoMessage summary, String tag, JsonElement value) {
        if (value instanceof JsonObject numbers) {
            numbers.asMap().forEach((name, number) -> scalar(summary, tag + "/" + name, number));
        } else {
            scalar(summary, tag, value);
        }
    }

    /** The name of a scalar: TensorBoard groups by what is before the first slash. */
    private static String tag(String field) {
        return field.startsWith(VALIDATION) ? "val/" + field.substring(VALIDATION.length())
                : (SPEED.contains(field) ? "speed/" : "train/") + field;
    }

    private static void scalar(ProtoMessage summary, String tag, JsonElement value) {
        if (value instanceof JsonPrimitive p && p.isNumber() && Float.isFinite(p.getAsFloat())) {
            summary.message(1, new ProtoMessage().text(1, tag).real(2, p.getAsFloat()));
        }
    }

    static byte[] histogram(double time, long step, String tag, Histogram histogram) {
        return summary(time, step, new ProtoMessage().text(1, tag).message(5, histogram.message()));
    }

    /** @param markdown as TensorBoard shows it; see {@link #verbatim} */
    static byte[] text(double time, long step, String tag, String markdown) {
        ProtoMessage plugin = new ProtoMessage().message(1, new ProtoMessage().text(1, "text"));
        ProtoMessage one = new ProtoMessage().message(2, new ProtoMessage().number(1, 1));
        ProtoMessage tensor = new ProtoMessage().number(1, STRING).message(2, one).text(8, markdown);
        return summary(time, step, new ProtoMessage().text(1, tag).message(9, plugin).message(8, tensor));
    }

    private static byte[] summary(double time, long step, ProtoMessage value) {
        return event(time, step).message(5, new ProtoMessage().message(1, value)).toBytes();
    }

    private static ProtoMessage event(double time, long step) {
        return new ProtoMessage().real(1, time).number(2, step);
    }

    /** Markdown that shows {@code text} as it is. */
    static String verbatim(String text) {
        return Visible.of(text).lines().map(line -> "    " + line).collect(Collectors.joining("\n"));
    }

    /** A table of all values in {@code settings} but its checksum. */
    static String table(JsonObject settings) {
        StringBuilder table = new StringBuilder("| setting | value |\n|---|---|\n");
        rows(table, "", settings);
        return table.toString();
    }

    private static void rows(StringBuilder table, String path, JsonObject settings) {
        settings.asMap().forEach((name, value) -> {
            if (value instanceof JsonObject inner) {
                rows(table, path + name + ".", inner);
            } else if (!name.equals(SealedJson.FIELD)) {
                table.append("| ").append(cell(path + name)).append(" | ").append(cell(Html.shown(value)))
                        .append(" |\n");
            }
        });
    }

    /** Text that no Markdown and no HTML changes. */
    private static String cell(String text) {
        StringBuilder cell = new StringBuilder();
        Visible.line(text).codePoints().forEach(c -> {
            if (c >= 0x80 || Character.isLetterOrDigit(c) || " .,:/=".indexOf(c) >= 0) {
                cell.appendCodePoint(c);
            } else {
                cell.append("&#").append(c).append(';');
            }
        });
        return cell.toString();
    }
}
