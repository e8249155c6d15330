// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;
import java.nio.file.Path;
public final class HtmlReport {
    public static final String FILE = "report.html";
    public static final String WINDOW = "window.json";
    public static void write(Path dir) { }
}
