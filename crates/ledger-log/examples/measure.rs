use std::io::Write;
use std::time::Instant;
use ledger_log::*;
fn rss() -> u64 { let s=std::fs::read_to_string("/proc/self/status").unwrap(); s.lines().find(|l|l.starts_with("VmRSS")).unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()/1024 }
fn main() {
    let base = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let mode = std::env::args().nth(2).unwrap();
    std::fs::create_dir_all(&base).unwrap();
    let rec = |i: u64| { let mut r=[0u8;112]; let mut x=i.wrapping_mul(0x9E3779B97F4A7C15)|1; for c in r.chunks_mut(8){ x^=x<<13;x^=x>>7;x^=x<<17; c.copy_from_slice(&x.to_le_bytes()[..c.len()]);} r };
    if mode=="append" {
        for (k, commits) in [(1u64, 1500u64),(100,800),(1000,300),(8190,60)] {
            let mut ratios=vec![]; let mut ours=vec![]; let mut plain=vec![];
            for pair in 0..5 {
                let d=base.join(format!("log{k}-{pair}")); let _=std::fs::remove_dir_all(&d);
                let (mut w,_r,_)=Log::open(&d,&Options::default()).unwrap();
                let mut b=Batch::new(); let mut n=0;
                let t=Instant::now();
                for _ in 0..commits { b.clear(); for _ in 0..k { b.push(&rec(n)).unwrap(); n+=1;} w.append(n-k,&b).unwrap(); }
                let a=(commits*k) as f64/t.elapsed().as_secs_f64();
                w.close().unwrap(); let _=std::fs::remove_dir_all(&d);
                let p=base.join("plain"); let mut f=std::fs::File::create(&p).unwrap(); let mut n=0; let mut buf=vec![];
                let t=Instant::now();
                for _ in 0..commits { buf.clear(); for _ in 0..k { buf.extend_from_slice(&rec(n)); n+=1;} f.write_all(&buf).unwrap(); f.sync_data().unwrap(); }
                let pl=(commits*k) as f64/t.elapsed().as_secs_f64();
                ratios.push(a/pl); ours.push(a); plain.push(pl);
            }
            for v in [&mut ratios,&mut ours,&mut plain] { v.sort_by(|a,b|a.total_cmp(b)); }
            println!("{k:5} per commit: ours {:>10.0}/s plain {:>10.0}/s ratio {:.3} (min {:.3} max {:.3})", ours[2], plain[2], ratios[2], ratios[0], ratios[4]);
        }
    } else if mode=="big" {
        let total: u64 = std::env::args().nth(3).unwrap().parse().unwrap();
        let d=base.join("big"); let _=std::fs::remove_dir_all(&d);
        let t=Instant::now();
        let (mut w,_r,_)=Log::open(&d,&Options::default()).unwrap();
        let mut b=Batch::new(); let mut n=0; let mut worst=0f64;
        while n<total { b.clear(); for _ in 0..1000 { b.push(&rec(n)).unwrap(); n+=1;} let t=Instant::now(); w.append(n-1000,&b).unwrap(); worst=worst.max(t.elapsed().as_secs_f64()); if n%1_000_000==0 {println!("  {n} rss {} MB", rss());} }
        println!("wrote {n} in {:?}, {:.0}/s worst commit {:.1} ms rss {} MB", t.elapsed(), n as f64/t.elapsed().as_secs_f64(), worst*1e3, rss());
        if std::env::args().nth(4).is_none() { let t=Instant::now(); w.close().unwrap(); println!("close {:?}", t.elapsed()); } else { std::process::abort(); }
    } else if mode=="get" {
        let (_w,r,rec)=Log::open(base.join("big"),&Options::default()).unwrap(); let n=rec.head.size;
        let t=Instant::now(); let mut s=0; let mut x=1u64; for _ in 0..100_000 { x^=x<<13;x^=x>>7;x^=x<<17; s+=r.get(x%n).unwrap().len(); } println!("get {:?} each ({s})", t.elapsed()/100_000);
        let t=Instant::now(); let mut s=0; for x in r.read(0,n) { s+=x.unwrap().len(); } println!("read all {:?} {s}", t.elapsed());
        let t=Instant::now(); let mut s=0; r.visit(0,n,|_,b|{s+=b.len(); std::ops::ControlFlow::Continue(())}).unwrap(); println!("visit all {:?} {s}, rss {}", t.elapsed(), rss());
    } else {
        let d=base.join("big");
        let t=Instant::now();
        if mode=="open" { let (w,_r,rec)=Log::open(&d,&Options{cache_bytes: std::env::args().nth(3).map_or(32<<20,|a|a.parse().unwrap()),..Options::default()}).unwrap(); let n=rec.head.size; println!("open {n} {:?} {:.0}/s rss {} MB clean {} beyond {}", t.elapsed(), n as f64/t.elapsed().as_secs_f64(), rss(), rec.clean, rec.beyond_head); w.close().unwrap(); }
        else { let a=AtRest::open(&d).unwrap(); let e=a.examine(|_,_|Ok(())).unwrap(); let n=e.head.size; println!("at rest {n} {:?} {:.0}/s rss {} MB findings {:?}", t.elapsed(), n as f64/t.elapsed().as_secs_f64(), rss(), e.findings); }
        println!("du: {}", String::from_utf8_lossy(&std::process::Command::new("du").args(["-sb"]).arg(&d).output().unwrap().stdout));
    }
}
