/* docs.c: `polka docs`: the commands under it. */
#include <cli/docs.h>

#include <cli/group.h>

static int run(const cli_command *command, int argc, char **argv)
{
    static const cli_command *const members[] = { &cli_docs_asyncapi, &cli_docs_html, NULL };
    return cli_group(command, members, argc, argv);
}

const cli_command cli_docs = {
    .name = "docs", .arguments = "asyncapi|html …", .summary = "the choreography written down: AsyncAPI documents, a page", .run = run,
    .details = "Both are made from what the services say of themselves, so they are as new as the services are.\n",
    .examples = "  polka docs asyncapi --service payments > payments.yaml\n"
                "  polka docs html -o shop.html\n" };
