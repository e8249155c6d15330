// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.IdGenerator;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Block;
import org.commonmark.node.Code;
import org.commonmark.node.CustomNode;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlInline;
import org.commonmark.node.Image;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.node.Text;
import org.commonmark.parser.IncludeSourceSpans;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;

/** A Markdown file: its headings with the anchors that GitHub gives them, its links, its text. */
final class Document {
    private static final List<Extension> EXTENSIONS = List.of(TablesExtension.create());
    private static final Parser PARSER =
            Parser.builder().extensions(EXTENSIONS).includeSourceSpans(IncludeSourceSpans.BLOCKS).build();

    /** Relative to the project, with slashes. */
    final String path;
    /** The file as a tree. */
    final Node root;
    private final Map<Heading, String> anchors = new IdentityHashMap<>();
    private final List<Heading> headings = new ArrayList<>();

    private Document(String path, Node root) {
        this.path = path;
        this.root = root;
    }

    /** A heading, and the text below it up to the next one. */
    record Section(int level, String anchor, String title, String text) {}

    static Document read(Path project, String path) throws IOException {
        Document document = new Document(path, PARSER.parse(Files.readString(project.resolve(path))));
        IdGenerator ids = IdGenerator.builder().build();
        document.root.accept(new AbstractVisitor() {
            @Override
            public void visit(Heading heading) {
                document.headings.add(heading);
                document.anchors.put(heading, ids.generateId(text(heading)));
            }
        });
        return document;
    }

    /** What a reader reads, in one line: no markup, no addresses. */
    static String text(Node node) {
        StringBuilder text = new StringBuilder();
        node.accept(new AbstractVisitor() {
            @Override
            protected void visitChildren(Node parent) {
                super.visitChildren(parent);
                if (parent instanceof Block || parent instanceof CustomNode) { // the cells of tables are custom nodes
                    text.append(' ');
                }
            }

            @Override
            public void visit(Text part) {
                text.append(part.getLiteral());
            }

            @Override
            public void visit(Code part) {
                text.append(part.getLiteral());
            }

            @Override
            public void visit(FencedCodeBlock part) {
                text.append(part.getLiteral());
            }

            @Override
            public void visit(IndentedCodeBlock part) {
                text.append(part.getLiteral());
            }

            @Override
            public void visit(SoftLineBreak part) {
                text.append(' ');
            }
        });
        return text.toString().strip().replaceAll("\\s+", " ");
    }

    /** The first heading. */
    String title() {
        return headings.isEmpty() ? path : text(headings.getFirst());
    }

    boolean hasAnchor(String anchor) {
        return anchors.values().stream().anyMatch(anchor::equals); // the map compares by identity
    }

    /** The links and images, in order. */
    List<Node> links() {
        List<Node> links = new ArrayList<>();
        root.accept(new AbstractVisitor() {
            @Override
            public void visit(Link link) {
                links.add(link);
                visitChildren(link);
            }

            @Override
            public void visit(Image image) {
                links.add(image);
            }
        });
        return links;
    }

    /** Where a link or an image points. */
    static String destination(Node link) {
        return link instanceof Image image ? image.getDestination() : ((Link) link).getDestination();
    }

    /** The path and the line where {@code node} begins, at least its paragraph. */
    String place(Node node) {
        Node block = node;
        while (block.getSourceSpans().isEmpty() && block.getParent() != null) {
            block = block.getParent();
        }
        return path + (block.getSourceSpans().isEmpty()
                ? ""
                : ":" + (block.getSourceSpans().getFirst().getLineIndex() + 1));
    }

    /** The text by headings. */
    List<Section> sections() {
        List<Section> sections = new ArrayList<>();
        Heading heading = null;
        StringBuilder text = new StringBuilder();
        for (Node node = root.getFirstChild(); node != null; node = node.getNext()) {
            if (node instanceof Heading next) {
                add(sections, heading, text);
                heading = next;
                text = new StringBuilder();
            } else {
                text.append(text(node)).append(' ');
            }
        }
        add(sections, heading, text);
        return sections;
    }

    private void add(List<Section> sections, Heading heading, StringBuilder text) {
        if (heading != null) {
            sections.add(new Section(heading.getLevel(), anchors.get(heading), text(heading), text.toString().strip()));
        }
    }

    /** The page's part with the text; each local destination becomes what {@code rewrite} says. Changes the tree: call it last. */
    String html(UnaryOperator<String> rewrite) {
        for (Node node : links()) {
            switch (node) {
                case Image image -> image.setDestination(rewrite.apply(image.getDestination()));
                case Link link -> link.setDestination(rewrite.apply(link.getDestination()));
                default -> throw new IllegalStateException();
            }
        }
        headings.forEach(heading -> {
            HtmlInline here = new HtmlInline();
            here.setLiteral(" <a class=\"here\" href=\"#" + anchors.get(heading)
                    + "\" aria-label=\"Link to this part\">#</a>");
            heading.appendChild(here);
        });
        String html = HtmlRenderer.builder().extensions(EXTENSIONS)
                .attributeProviderFactory(_ -> (node, _, attributes) -> {
                    if (node instanceof Heading heading) {
                        attributes.put("id", anchors.get(heading));
                    } else if (node instanceof Image) {
                        attributes.put("loading", "lazy");
                    }
                }).build().render(root);
        return JavaColours.ofBlocks(html);
    }

    /** The direct children of {@code node}. */
    static Stream<Node> children(Node node) {
        return Stream.iterate(node.getFirstChild(), n -> n != null, Node::getNext);
    }
}
