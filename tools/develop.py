"""Makes `import nnseq` in this environment find python/nnseq of this checkout."""

import sysconfig
from pathlib import Path

site_packages = Path(sysconfig.get_path("purelib"))
(site_packages / "nnseq_checkout.pth").write_text(f"{Path(__file__).parents[1] / 'python'}\n")
